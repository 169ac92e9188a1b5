import { describe, it } from 'vitest'
import { addGradients } from '../../../../src/engine/graph/gradient'
import type { Value } from '../../../../src/engine/graph/graphBuilder'
import { GraphSession, type Tensor } from '../../../../src/engine/graph/session'
import { LayerBuilder } from '../../../../src/engine/models/layerBuilder'
import { selectiveStates } from '../../../../src/engine/models/selectiveStates'
import { uniform } from '../../../helpers/adaptedBlock'
import { expectRecurrence } from '../../../helpers/recurrences'

const ROWS = 2
const SHAPE = { heads: 6, headDim: 3, groups: 2, stateDim: 5 }
const { heads, headDim, groups, stateDim } = SHAPE
const WIDTHS = { x: heads * headDim, decay: heads, B: groups * stateDim, C: groups * stateDim }
const NAMES = ['x', 'decay', 'B', 'C'] as const
type Point = { [K in (typeof NAMES)[number]]: ArrayLike<number> }

/** Decays from nothing forgotten to everything. */
function pointOf(context: number, forgets: number) {
  const values = (name: keyof Point) => uniform(ROWS * context * WIDTHS[name], 1, name)
  const decay = values('decay').map((x) => -forgets * (x + 1) ** 4)
  return { x: values('x'), decay, B: values('B'), C: values('C') }
}

/** The recurrence, token by token, in float64. */
function recurrence({ x, decay, B, C }: Point, context: number): Float64Array {
  const out = new Float64Array(ROWS * context * WIDTHS.x)
  for (let row = 0; row < ROWS; row++) {
    for (let head = 0; head < heads; head++) {
      const group = Math.floor(head / (heads / groups))
      const state = new Float64Array(stateDim * headDim)
      for (let t = row * context; t < (row + 1) * context; t++) {
        const kept = Math.exp(decay[t * heads + head] as number)
        const [key, place] = [(t * groups + group) * stateDim, (t * heads + head) * headDim]
        for (let j = 0; j < headDim; j++) {
          for (let i = 0; i < stateDim; i++) {
            const cell = i * headDim + j
            state[cell] = kept * (state[cell] as number) + (B[key + i] as number) * (x[place + j] as number)
            out[place + j] = (out[place + j] as number) + (C[key + i] as number) * state[cell]
          }
        }
      }
    }
  }
  return out
}

/** What the graph gives, and the gradients of Σ seed · y. */
async function computed(point: ReturnType<typeof pointOf>, context: number, seed: Float32Array) {
  const layer = new LayerBuilder(context)
  const { graph } = layer
  const input = (name: keyof Point) => graph.input(name, ['tokens', WIDTHS[name]])
  const inputs = { x: input('x'), decay: input('decay'), B: input('B'), C: input('C') }
  const output = selectiveStates(layer, inputs, SHAPE)
  const of = new Map([[output, graph.input('seed', ['tokens', WIDTHS.x])]])
  const gradients = addGradients(graph, of, Object.values(inputs))
  graph.output('out', output, ['tokens', WIDTHS.x])
  for (const name of NAMES) {
    graph.output(`gradient.${name}`, gradients.get(inputs[name]) as Value, ['tokens', WIDTHS[name]])
  }
  const session = await GraphSession.create(graph.build(), 'cpu')
  const tensor = (data: Float32Array, size: number): Tensor => ({ data, shape: [ROWS * context, size] })
  const feeds = Object.fromEntries(NAMES.map((name) => [name, tensor(point[name], WIDTHS[name])]))
  const found = await session.run({ ...feeds, seed: tensor(seed, WIDTHS.x) })
  await session.release()
  return Object.fromEntries(Object.entries(found).map(([name, { data }]) => [name, data as Float32Array]))
}

// One token, less than a chunk, a whole one, and several of which the last is not full.
describe.each([1, 5, 32, 33, 101])('selective states over rows of %i tokens', (context) => {
  it.each([0, 0.01, 1, 60])('are the recurrence, and so is their gradient, with decays of %f', async (forgets) => {
    const point = pointOf(context, forgets)
    const seed = uniform(ROWS * context * WIDTHS.x, 1, 'seed')
    const found = await computed(point, context, seed)
    expectRecurrence(found, point, seed, (moved) => recurrence(moved, context))
  })
})
