import { describe, expect, it } from 'vitest'
import { GraphBuilder } from '../../../../src/engine/graph/graphBuilder'
import { GraphSession } from '../../../../src/engine/graph/session'
import { channelDeltaRule } from '../../../../src/engine/models/channelDeltaRule'
import { gatedDeltaRule } from '../../../../src/engine/models/deltaRule'
import { softplus } from '../../../../src/engine/models/softplus'
import { constantMatrix, unitLowerInverse } from '../../../../src/engine/models/unitLowerInverse'
import { uniform } from '../../../helpers/adaptedBlock'
import { computedRecurrence, expectRecurrence } from '../../../helpers/recurrences'

const ROWS = 2
const SHAPE = { heads: 3, keyDim: 4, valueDim: 5 }
type Point = Record<'q' | 'k' | 'v' | 'decay' | 'beta', Float32Array>

/** Whether heads fade as a whole, or their channels by themselves. */
type Fading = 'heads' | 'channels'
const RULES = { heads: gatedDeltaRule, channels: channelDeltaRule }

const widths = (fading: Fading): Record<keyof Point, number> => {
  const { heads, keyDim, valueDim } = SHAPE
  const decay = fading === 'heads' ? heads : heads * keyDim
  return { q: heads * keyDim, k: heads * keyDim, v: heads * valueDim, decay, beta: heads }
}

/** Keys of length one, as the model has them; decays from nothing forgotten to everything. */
function pointOf(context: number, forgets: number, most = 1, fading: Fading = 'heads'): Point {
  const { keyDim } = SHAPE
  const size = (name: keyof Point) => ROWS * context * widths(fading)[name]
  const k = uniform(size('k'), 1, 'k')
  for (let i = 0; i < k.length; i += keyDim) {
    const length = Math.hypot(...k.subarray(i, i + keyDim))
    for (let j = 0; j < keyDim; j++) k[i + j] = (k[i + j] as number) / length
  }
  return {
    q: uniform(size('q'), 1, 'q'),
    k,
    v: uniform(size('v'), 1, 'v'),
    decay: uniform(size('decay'), 1, 'decay').map((x) => -forgets * (x + 1) ** 4),
    beta: uniform(size('beta'), 0.5, 'beta').map((x) => most * (x + 0.5))
  }
}

/** The recurrence, token by token, in float64. */
function recurrence(
  { q, k, v, decay, beta }: { [K in keyof Point]: ArrayLike<number> },
  context: number,
  fading: Fading
): Float64Array {
  const { heads, keyDim, valueDim } = SHAPE
  const out = new Float64Array(ROWS * context * heads * valueDim)
  for (let row = 0; row < ROWS; row++) {
    for (let head = 0; head < heads; head++) {
      const state = new Float64Array(keyDim * valueDim)
      for (let t = row * context; t < (row + 1) * context; t++) {
        const at = t * heads + head
        const decayOf = (i: number) => decay[fading === 'heads' ? at : at * keyDim + i] as number
        const kept = Array.from({ length: keyDim }, (_, i) => Math.exp(decayOf(i)))
        for (let j = 0; j < valueDim; j++) {
          let known = 0
          for (let i = 0; i < keyDim; i++) {
            known += (kept[i] as number) * (state[i * valueDim + j] as number) * (k[at * keyDim + i] as number)
          }
          const added = (beta[at] as number) * ((v[at * valueDim + j] as number) - known)
          let read = 0
          for (let i = 0; i < keyDim; i++) {
            const cell = i * valueDim + j
            state[cell] = (kept[i] as number) * (state[cell] as number) + (k[at * keyDim + i] as number) * added
            read += (state[cell] as number) * (q[at * keyDim + i] as number)
          }
          out[at * valueDim + j] = read
        }
      }
    }
  }
  return out
}

/** What the graph gives, and the gradients of Σ seed · o. */
const computed = (point: Point, context: number, seed: Float32Array, fading: Fading) =>
  computedRecurrence(context, widths(fading), point, seed, (layer, inputs) => RULES[fading](layer, inputs, SHAPE))

async function expectRuleIsRecurrence(point: Point, context: number, fading: Fading = 'heads') {
  const seed = uniform(ROWS * context * SHAPE.heads * SHAPE.valueDim, 1, 'seed')
  const found = await computed(point, context, seed, fading)
  expectRecurrence(found, point, seed, (moved) => recurrence(moved, context, fading))
}

// One token, less than a chunk, a whole one, and several of which the last is not full.
describe.each([1, 5, 32, 33, 101])('the delta rule over rows of %i tokens', (context) => {
  it.each([0, 0.01, 1, 60])(
    'is the recurrence, and its gradient that of the recurrence, with decays of %f',
    async (forgets) => {
      await expectRuleIsRecurrence(pointOf(context, forgets), context)
    }
  )

  it('is it also where a token writes up to twice its value', async () => {
    await expectRuleIsRecurrence(pointOf(context, 0.01, 2), context)
  })
})

describe.each([1, 5, 16, 17, 53])(
  'the delta rule whose channels fade by themselves over rows of %i tokens',
  (context) => {
    it.each([0, 0.01, 1, 60])(
      'is the recurrence, and its gradient that of the recurrence, with decays of %f',
      async (forgets) => {
        await expectRuleIsRecurrence(pointOf(context, forgets, 1, 'channels'), context, 'channels')
      }
    )
  }
)

describe('the inverse of I + a lower triangle', () => {
  it('is exact where powers of the triangle are beyond float32', async () => {
    // Equal keys, each overwriting the last: the powers of the triangle hold binomials, its inverse one band.
    const size = 64
    const graph = new GraphBuilder()
    const lower = constantMatrix(graph, [size, size], (row, column) => (row > column ? 1 : 7))
    graph.output('inverse', unitLowerInverse(graph, graph.reshape(lower, [1, 1, 1, size, size]), size), [
      1,
      1,
      1,
      size,
      size
    ])
    const session = await GraphSession.create(graph.build(), 'cpu')
    const { inverse } = await session.run({})
    await session.release()
    const band = (row: number, column: number) => (row === column ? 1 : row === column + 1 ? -1 : 0)
    const expected = Array.from({ length: size * size }, (_, i) => band(Math.floor(i / size), i % size))
    expect(Array.from(inverse?.data as Float32Array)).toEqual(expected.map((x) => expect.closeTo(x, 5)))
  })
})

describe('softplus', () => {
  it('is right to the last digits, where it is small too', async () => {
    const x = Float32Array.of(-80, -30, -17.3, -5, -1, -1e-3, 0, 1e-3, 0.5, 1, 5, 20, 90)
    const graph = new GraphBuilder()
    graph.output('y', softplus(graph, graph.input('x', [x.length])), [x.length])
    const session = await GraphSession.create(graph.build(), 'cpu')
    const { y } = await session.run({ x: { data: x, shape: [x.length] } })
    await session.release()
    for (const [i, value] of x.entries()) {
      const expected = Math.max(value, 0) + Math.log1p(Math.exp(-Math.abs(value)))
      expect(Math.abs((y?.data[i] as number) / expected - 1), `${value}`).toBeLessThan(5e-7) // a few roundings
    }
  })
})
