import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { AdapterTensor } from '../../src/engine/formats/adapterFactors'
import { readAdapterDirectory } from '../../src/engine/formats/peftAdapter'
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

const matrixOf = ({ data, shape: [rows, cols] }: AdapterTensor) => ({ data, rows, cols })

describe.each(names)('adapter %s by PEFT', (name) => {
  const folder = join(directory, name)
  const config: Config = JSON.parse(readFileSync(join(folder, 'adapter_config.json'), 'utf8'))

  if (config.use_dora === true) {
    it('is refused by name', async () => {
      await expect(readAdapterDirectory(folder)).rejects.toThrow('use_dora')
    })
    return
  }

  it('gives the logits of the reference beside the model in full precision', async () => {
    const expected = readGoldenTensors(join(folder, 'expected.safetensors'))
    const { tensors } = await readAdapterDirectory(folder)
    const factors = [...tensors.values()]
    const adapters = new Map(
      factors
        .filter(({ factor }) => factor === 'A')
        .map((A) => {
          const B = factors.find(({ module, factor }) => module === A.module && factor === 'B') as AdapterTensor
          const scaling = scalingOf(A.module, A.shape[0], config)
          return [A.module, { A: matrixOf(A), B: matrixOf({ ...B, data: B.data.map((value) => scaling * value) }) }]
        })
    )
    const rows = rowsOf(expected)
    const model = join(goldenDirectory(), config.base_model_name_or_path)
    const { logits } = await computeModel(model, rows, adapters)
    const reference = float64s(expected.get('logits_on_full_precision_base') as GoldenTensor)
    const tolerance = 1e-4 * standardDeviation(reference)
    expect(worstDifference(logits.data, reference, rows.mask)).toBeLessThan(tolerance)
    const without = await computeModel(model, rows)
    expect(worstDifference(without.logits.data, reference, rows.mask)).toBeGreaterThan(100 * tolerance)
  })
})
