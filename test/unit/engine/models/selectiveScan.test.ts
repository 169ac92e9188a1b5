import { describe, it } from 'vitest'
import { selectiveScan } from '../../../../src/engine/models/selectiveScan'
import { uniform } from '../../../helpers/adaptedBlock'
import { computedRecurrence, expectRecurrence } from '../../../helpers/recurrences'

const ROWS = 2
const SHAPE = { channels: 6, stateDim: 5 }
const { channels, stateDim } = SHAPE
const WIDTHS = { x: channels, step: channels, B: stateDim, C: stateDim }
type Point = { [K in keyof typeof WIDTHS]: ArrayLike<number> }

/** Rates from slow to fast; time steps of very different sizes. */
const RATE = Float32Array.from(
  { length: channels * stateDim },
  (_, i) => -(1 + (i % stateDim)) / (1 + Math.floor(i / stateDim))
)

function pointOf(context: number, steps: number) {
  const values = (name: keyof Point) => uniform(ROWS * context * WIDTHS[name], 1, name)
  return { x: values('x'), step: values('step').map((x) => steps * (x + 1) ** 4), B: values('B'), C: values('C') }
}

/** The recurrence, token by token, in float64. */
function recurrence({ x, step, B, C }: Point, context: number): Float64Array {
  const out = new Float64Array(ROWS * context * channels)
  for (let row = 0; row < ROWS; row++) {
    for (let d = 0; d < channels; d++) {
      const state = new Float64Array(stateDim)
      for (let t = row * context; t < (row + 1) * context; t++) {
        const [place, size] = [t * channels + d, step[t * channels + d] as number]
        for (let n = 0; n < stateDim; n++) {
          const kept = Math.exp(size * (RATE[d * stateDim + n] as number))
          state[n] = kept * (state[n] as number) + size * (x[place] as number) * (B[t * stateDim + n] as number)
          out[place] = (out[place] as number) + (C[t * stateDim + n] as number) * (state[n] as number)
        }
      }
    }
  }
  return out
}

/** What the graph gives, and the gradients of Σ seed · y. */
const computed = (point: ReturnType<typeof pointOf>, context: number, seed: Float32Array) =>
  computedRecurrence(context, WIDTHS, point, seed, (layer, inputs) => {
    const rate = layer.graph.floats(RATE, [channels, stateDim])
    return selectiveScan(layer, { ...inputs, rate }, SHAPE)
  })

const CASES = [
  // One token, less than a chunk, a whole one, and several of which the last is not full.
  ...[1, 5, 32, 33, 101].flatMap((context) => [1e-4, 0.01, 1, 60].map((steps) => ({ context, steps }))),
  // Rows so long that chunks grow.
  { context: 1100, steps: 0.01 }
]

describe('a selective scan', () => {
  it.each(CASES)('is the recurrence, and so is its gradient: %o', async ({ context, steps }) => {
    const point = pointOf(context, steps)
    const seed = uniform(ROWS * context * channels, 1, 'seed')
    const found = await computed(point, context, seed)
    expectRecurrence(found, point, seed, (moved) => recurrence(moved, context))
  })
})
