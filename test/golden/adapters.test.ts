import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { AdapterTensor } from '../../src/engine/formats/adapterFactors'
import { readAdapterDirectory } from '../../src/engine/formats/readAdapter'
import type { Adapter } from '../../src/engine/models/blockWeights'
import { allValues } from '../helpers/adapterValues'
import { goldenCases } from '../helpers/golden'
import { float64s, type GoldenTensor, readGoldenTensors } from '../helpers/goldenTensors'
import { goldenDirectory } from '../helpers/paths'
import { computeModel, rowsOf, standardDeviation, worstDifference } from '../helpers/wholeModel'

const { directory, names } = goldenCases('adapters', (entry) => (entry.includes('.') ? undefined : entry))

interface Config {
  readonly base_model_name_or_path: string
  readonly lora_alpha: number
  readonly alpha_pattern?: Record<string, number>
  readonly use_rslora?: boolean
  readonly use_dora?: boolean
}

/** PEFT's scaling of a module: the first pattern that its name ends in has a word. */
function scalingOf(module: string, rank: number, config: Config): number {
  const [, alpha = config.lora_alpha] =
    Object.entries(config.alpha_pattern ?? {}).find(([pattern]) => new RegExp(`^(.*\\.)?(${pattern})$`).test(module)) ??
    []
  return alpha / (config.use_rslora === true ? Math.sqrt(rank) : rank)
}

const matrixOf = async (tensor: AdapterTensor, scale = 1) => {
  const [rows, cols] = tensor.shape
  return { data: (await allValues(tensor)).map((value) => scale * value), rows, cols }
}

/** What DoRA adds to W [out, in]: m / ‖W + B A‖ · (W + B A) − W, by rows, as the product with the identity. */
function withMagnitude({ A, B }: Adapter, magnitude: Float32Array, weight: Float64Array): Adapter {
  const [out, inputs, rank] = [B.rows, A.cols, A.rows]
  const added = new Float32Array(out * inputs)
  for (let row = 0; row < out; row++) {
    const sums = Array.from({ length: inputs }, (_, column) => {
      let sum = weight[row * inputs + column] as number
      for (let k = 0; k < rank; k++) sum += (B.data[row * rank + k] as number) * (A.data[k * inputs + column] as number)
      return sum
    })
    const factor = (magnitude[row] as number) / Math.hypot(...sums)
    for (const [column, sum] of sums.entries()) {
      added[row * inputs + column] = factor * sum - (weight[row * inputs + column] as number)
    }
  }
  const identity = Float32Array.from({ length: inputs ** 2 }, (_, i) => (i % (inputs + 1) === 0 ? 1 : 0))
  return { A: { data: identity, rows: inputs, cols: inputs }, B: { data: added, rows: out, cols: inputs } }
}

describe.each(names)('adapter %s by PEFT', (name) => {
  const folder = join(directory, name)
  const config: Config = JSON.parse(readFileSync(join(folder, 'adapter_config.json'), 'utf8'))

  it('gives the logits of the reference beside the model in full precision', async () => {
    const expected = readGoldenTensors(join(folder, 'expected.safetensors'))
    const { tensors, magnitudes } = await readAdapterDirectory(folder)
    const factors = [...tensors.values()]
    const rows = rowsOf(expected)
    const model = join(goldenDirectory(), config.base_model_name_or_path)
    const weights = readGoldenTensors(join(model, 'model.safetensors'))
    const adapters = new Map<string, Adapter>()
    for (const A of factors.filter(({ factor }) => factor === 'A')) {
      const { module } = A
      const B = factors.find((other) => other.module === module && other.factor === 'B') as AdapterTensor
      const scaling = scalingOf(module, A.shape[0], config)
      const plain = { A: await matrixOf(A), B: await matrixOf(B, scaling) }
      const stored = magnitudes.get(module)
      const magnitude = stored && (await allValues(stored))
      const weight = () => float64s(weights.get(`${module}.weight`) as GoldenTensor)
      adapters.set(module, magnitude === undefined ? plain : withMagnitude(plain, magnitude, weight()))
    }
    expect(magnitudes.size).toBe(config.use_dora === true ? adapters.size : 0)
    const { logits } = await computeModel(model, rows, adapters)
    const reference = float64s(expected.get('logits_on_full_precision_base') as GoldenTensor)
    const tolerance = 1e-4 * standardDeviation(reference)
    expect(worstDifference(logits.data, reference, rows.mask)).toBeLessThan(tolerance)
    const without = await computeModel(model, rows)
    expect(worstDifference(without.logits.data, reference, rows.mask)).toBeGreaterThan(100 * tolerance)
  })
})
