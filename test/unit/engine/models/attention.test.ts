import { describe, expect, it } from 'vitest'
import { GraphSession, type Tensor } from '../../../../src/engine/graph/session'
import { type AttentionShape, causalAttention } from '../../../../src/engine/models/attention'
import { LayerBuilder, type Purpose } from '../../../../src/engine/models/layerBuilder'
import { type Rope, rotationOf } from '../../../../src/engine/models/rope'
import { gaussianMatrix } from '../../../helpers/matrices'

/** The graph of attention alone. */
async function attend(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  shape: AttentionShape,
  context: number,
  purpose?: Purpose
): Promise<Float32Array> {
  const layer = new LayerBuilder(context, {}, purpose)
  const { graph } = layer
  const [tokens = 0, queryWidth = 0] = q.shape
  const keyWidth = k.shape[1] as number
  const inputs = {
    q: graph.input('q', [tokens, queryWidth]),
    k: graph.input('k', [tokens, keyWidth]),
    v: graph.input('v', [tokens, keyWidth])
  }
  graph.output('out', causalAttention(layer, inputs, shape), [tokens, queryWidth])
  const session = await GraphSession.create(graph.build(), 'cpu')
  const { out } = await session.run({ q, k, v })
  await session.release()
  return out?.data as Float32Array
}

/** Position, head and entry of one row of x [context, heads · d], rotated: pairs are (i, i + dimensions/2). */
function rotated(x: ArrayLike<number>, at: number, position: number, { headDim, rope }: AttentionShape): number[] {
  const head = Array.from({ length: headDim }, (_, i) => x[at + i] as number)
  const { frequencies } = rope == null ? { frequencies: [] } : rotationOf(rope, 1)
  const half = frequencies.length
  return head.map((value, i) => {
    if (i >= 2 * half) return value
    const angle = position * (frequencies[i % half] as number)
    const partner = i < half ? -(head[i + half] as number) : (head[i - half] as number)
    return value * Math.cos(angle) + partner * Math.sin(angle)
  })
}

/** softmax(q kᵀ / √d) v over keys up to the query, in float64 by plain loops. */
function reference(q: Tensor, k: Tensor, v: Tensor, shape: AttentionShape, context: number): Float64Array {
  const { heads, keyValueHeads, headDim, chunk = context } = shape
  const [queryWidth, keyWidth] = [heads * headDim, keyValueHeads * headDim]
  const out = new Float64Array(q.data.length)
  for (let first = 0; first * queryWidth < q.data.length; first += context) {
    for (let head = 0; head < heads; head++) {
      const column = Math.floor((head * keyValueHeads) / heads) * headDim
      const keys = Array.from({ length: context }, (_, t) => rotated(k.data, (first + t) * keyWidth + column, t, shape))
      for (let t = 0; t < context; t++) {
        const at = (first + t) * queryWidth + head * headDim
        const query = rotated(q.data, at, t, shape)
        const begin = t - (t % chunk)
        const scores = keys
          .slice(begin, t + 1)
          .map((key) => key.reduce((sum, x, i) => sum + x * (query[i] as number), 0) / Math.sqrt(headDim))
        const max = scores.reduce((a, b) => Math.max(a, b))
        const weights = scores.map((score) => Math.exp(score - max))
        const total = weights.reduce((a, b) => a + b)
        weights.forEach((weight, key) => {
          for (let i = 0; i < headDim; i++) {
            const value = v.data[(first + begin + key) * keyWidth + column + i] as number
            out[at + i] = (out[at + i] as number) + (weight / total) * value
          }
        })
      }
    }
  }
  return out
}

describe('causal attention', () => {
  // Powers of two, so that position · frequency has no rounding of its own.
  const rope: Rope = { theta: 256, size: 4, scaling: { type: 'linear', factor: 8 } }
  it.each([
    ['in several blocks of queries', 700, 2, { heads: 2, keyValueHeads: 1, headDim: 6, rope }],
    ['with grouped heads in two rows', 20, 3, { heads: 6, keyValueHeads: 2, headDim: 4, rope }],
    ['without positions', 33, 2, { heads: 2, keyValueHeads: 2, headDim: 5 }],
    ['at the edge of a block', 513, 1, { heads: 1, keyValueHeads: 1, headDim: 4, rope }],
    ['in chunks, over several blocks of queries', 700, 2, { heads: 2, keyValueHeads: 1, headDim: 6, rope, chunk: 300 }],
    ['in chunks longer than the row', 20, 2, { heads: 2, keyValueHeads: 2, headDim: 4, chunk: 21 }],
    ['with one token in a row', 1, 4, { heads: 2, keyValueHeads: 1, headDim: 4, rope }]
  ])('is that of plain loops %s', async (label, context, rows, shape: AttentionShape) => {
    const random = (name: string, width: number): Tensor => ({
      data: Float32Array.from(gaussianMatrix(rows * context, width, `${label} ${name}`).data, (x) => 2 * x),
      shape: [rows * context, width]
    })
    const [q, k, v] = [
      random('q', shape.heads * shape.headDim),
      random('k', shape.keyValueHeads * shape.headDim),
      random('v', shape.keyValueHeads * shape.headDim)
    ]
    const found = await attend(q, k, v, shape, context)
    const expected = reference(q, k, v, shape, context)
    expect(found).toHaveLength(expected.length)
    // Scores of size ten have 1e-6 of rounding in float32, and so have the weights and the values of size one.
    const worst = expected.reduce((max, x, i) => Math.max(max, Math.abs(x - (found[i] as number))), 0)
    expect(worst).toBeLessThan(1e-5)
  })

  it.each([256, 512, 1024])('has the bits of larger blocks of queries, in rows of %d', async (context) => {
    const shape: AttentionShape = { heads: 4, keyValueHeads: 2, headDim: 16, rope }
    const random = (name: string, width: number): Tensor => ({
      data: Float32Array.from(gaussianMatrix(2 * context, width, name).data, (x) => 2 * x),
      shape: [2 * context, width]
    })
    const [q, k, v] = [random('q', 64), random('k', 32), random('v', 32)]
    const found = await attend(q, k, v, shape, context)
    // A graph of gradients computes attention anew, in blocks of 512: H and adapters must not depend on the way.
    expect(found).toEqual(await attend(q, k, v, shape, context, 'gradients'))
  })
})
