import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { InputRounding } from '../../../../src/engine/graph/inputRounding'
import { type Feeds, GraphSession } from '../../../../src/engine/graph/session'
import { LayerBuilder, type LinearForm } from '../../../../src/engine/models/layerBuilder'
import { quantizer as int8 } from '../../../../src/engine/quantizers/formats/int8'
import { QuantizerSpec } from '../../../../src/shared/recipe'
import { float64s, type GoldenTensor, readGoldenTensors } from '../../../helpers/goldenTensors'
import { gaussianMatrix, matrixOf, product, transpose } from '../../../helpers/matrices'

const stored = readGoldenTensors(resolve(import.meta.dirname, '../../../fixtures/linears/int8.safetensors'))
const tensor = (name: string): GoldenTensor => stored.get(name) as GoldenTensor
const float32s = (name: string): Float32Array => Float32Array.from(float64s(tensor(name)))
const [batches = 0, tokens = 0, inFeatures = 0] = tensor('X').shape
const [outFeatures = 0] = tensor('W').shape
const all = Array.from({ length: batches }, (_, batch) => batch)

const spec = QuantizerSpec.parse({ format: 'int8' })
const W = float32s('W')
const Q = int8.dequantize(int8.quantize(W, spec, inFeatures), W.length, spec)
const roundInputs = int8.roundInputs as InputRounding

const inputsOf = (batch: number): Float32Array =>
  float32s('X').subarray(batch * tokens * inFeatures, (batch + 1) * tokens * inFeatures)
const realTokens = (batch: number): number => float64s(tensor('lengths'))[batch] as number

/** Outputs of the tokens of a batch, pads left out, by a graph of one linear. */
async function compute(form: LinearForm, x: Float32Array, real: number, factors: Feeds = {}): Promise<Float32Array> {
  const layer = new LayerBuilder(tokens, form)
  const input = layer.graph.input('x', ['tokens', inFeatures])
  const y = layer.linear('proj', input, { in: inFeatures, out: outFeatures, bias: true })
  layer.graph.output('y', y, ['tokens', outFeatures])
  const session = await GraphSession.create(layer.graph.build(), 'cpu')
  const mask = Float32Array.from({ length: tokens }, (_, i) => (i < real ? 1 : 0))
  const { y: computed } = await session.run({
    x: { data: x, shape: [tokens, inFeatures] },
    'proj.weight': { data: Q, shape: [outFeatures, inFeatures] },
    'proj.bias': { data: float32s('b'), shape: [outFeatures] },
    ...(layer.readsReal && { real: { data: mask, shape: [tokens, 1] } }),
    ...factors
  })
  await session.release()
  return Float32Array.from(computed?.data ?? []).subarray(0, real * outFeatures)
}

const computeBatch = (form: LinearForm, batch: number, factors?: Feeds): Promise<Float32Array> =>
  compute(form, inputsOf(batch), realTokens(batch), factors)

const expectedOf = (batch: number): Float64Array =>
  float64s(tensor('Y')).subarray(batch * tokens * outFeatures, (batch * tokens + realTokens(batch)) * outFeatures)

/** Largest difference of a token's outputs, as a share of the largest of them. */
function worst(own: ArrayLike<number>, expected: ArrayLike<number>): number {
  let share = 0
  for (let begin = 0; begin < expected.length; begin += outFeatures) {
    const channels = Array.from({ length: outFeatures }, (_, i) => begin + i)
    const scale = Math.max(...channels.map((i) => Math.abs(expected[i] as number)))
    share = Math.max(share, ...channels.map((i) => Math.abs((own[i] as number) - (expected[i] as number)) / scale))
  }
  return share
}

// Forty products added up in float32, in another order.
const TOLERANCE = 1e-6

describe('a linear of an int8 base', () => {
  it.each(all)('gives what Linear8bitLt gives: outliers, ties, zeros, subnormal values, pads (%i)', async (batch) => {
    const expected = expectedOf(batch)
    expect(expected.length).toBeGreaterThan(0)
    expect(worst(await computeBatch({ roundInputs }, batch), expected)).toBeLessThan(TOLERANCE)
    expect(worst(await computeBatch({}, batch), expected)).toBeGreaterThan(100 * TOLERANCE)
  })

  it('takes an outlier of the batch into account, but none in pads', async () => {
    const x = inputsOf(2).slice()
    const at = 5 * inFeatures + 20 // in the last token, which is a pad of this batch
    expect(Math.abs(x[at] as number)).toBeGreaterThan(6)
    const [asPad, asToken] = [await compute({ roundInputs }, x, 5), await compute({ roundInputs }, x, 6)]
    x[at] = 0
    const without = await compute({ roundInputs }, x, 5)
    expect([...asPad]).toEqual([...without])
    expect([...asToken.subarray(0, asPad.length)]).not.toEqual([...asPad])
  })
})

describe('a linear with an adapter', () => {
  it('adds the product of its factors with the inputs as they are', async () => {
    const [A, B] = [gaussianMatrix(3, inFeatures, 'A'), gaussianMatrix(outFeatures, 3, 'B')]
    const factors: Feeds = {
      'proj.lora_A': { data: Float32Array.from(A.data), shape: [A.rows, A.cols] },
      'proj.lora_B': { data: Float32Array.from(B.data), shape: [B.rows, B.cols] }
    }
    for (const batch of all) {
      const own = await computeBatch({ roundInputs, adapted: new Set(['proj']) }, batch, factors)
      const alone = await computeBatch({ roundInputs }, batch)
      const X = matrixOf(realTokens(batch), inFeatures, (i, j) => inputsOf(batch)[i * inFeatures + j] as number)
      const added = product(product(X, transpose(A)), transpose(B))
      const expected = added.data.map((value, i) => value + (alone[i] as number))
      expect(worst(own, expected)).toBeLessThan(TOLERANCE)
    }
  })
})
