import { describe, it } from 'vitest'
import { selectiveStates } from '../../../../src/engine/models/selectiveStates'
import { uniform } from '../../../helpers/adaptedBlock'
import { computedRecurrence, expectRecurrence } from '../../../helpers/recurrences'

const ROWS = 2
const SHAPE = { heads: 6, headDim: 3, groups: 2, stateDim: 5 }
const { heads, headDim, groups, stateDim } = SHAPE
const WIDTHS = { x: heads * headDim, decay: heads, B: groups * stateDim, C: groups * stateDim }
type Point = { [K in keyof typeof WIDTHS]: ArrayLike<number> }

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
const computed = (point: ReturnType<typeof pointOf>, context: number, seed: Float32Array) =>
  computedRecurrence(context, WIDTHS, point, seed, (layer, inputs) => selectiveStates(layer, inputs, SHAPE))

// One token, less than a chunk, a whole one, and several of which the last is not full.
describe.each([1, 5, 32, 33, 101])('selective states over rows of %i tokens', (context) => {
  it.each([0, 0.01, 1, 60])('are the recurrence, and so is their gradient, with decays of %f', async (forgets) => {
    const point = pointOf(context, forgets)
    const seed = uniform(ROWS * context * WIDTHS.x, 1, 'seed')
    const found = await computed(point, context, seed)
    expectRecurrence(found, point, seed, (moved) => recurrence(moved, context))
  })
})
