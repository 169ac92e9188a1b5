import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import type { VariantResult } from '../../src/shared/runEvents'
import { figures, neoxModel, sampleModel, sampleText } from '../helpers/paths'
import { finishedOf, makeRun, runToEnd } from '../helpers/runs'

type ByText = Readonly<Record<string, number>>
interface MethodFigures {
  readonly perplexity: ByText
  readonly mean_relative_calibrated_loss: number
}
interface ModelFigures {
  readonly full_precision: ByText
  readonly quantized: Readonly<Record<string, ByText>>
}

/*
 * What a float64 reference computed for the trained models, with the settings that it names (64 rows of 256 tokens, NF4
 * with double quantization, rank 16). Quail multiplies in float32, and its calibration sums in another order.
 */
const reference = JSON.parse(readFileSync(figures, 'utf8')) as Record<string, unknown>
const METHODS = ['svd', 'diag', 'quailora', 'exact'] as const
const EVALUATION = ['sotu-evaluation.txt', 'moby-evaluation.txt'] as const

const meanRelativeLoss = ({ layers }: VariantResult): number =>
  layers.reduce((sum, { loss, lossRank0 }) => sum + loss / lossRank0, 0) / layers.length

const deviation = (found: number | undefined, expected: number | undefined): number =>
  Math.abs((found ?? Number.NaN) / (expected ?? Number.NaN) - 1)

describe.each([
  ['llama', sampleModel],
  ['gpt_neox', neoxModel]
])('the trained model %s', (family, model) => {
  const expected = reference[family] as ModelFigures & Record<(typeof METHODS)[number], MethodFigures>
  let finished: ReturnType<typeof finishedOf>
  beforeAll(async () => {
    const run = makeRun({
      model,
      calibration: { files: [sampleText('sotu-calibration.txt')], rows: 64 },
      evaluation: { files: EVALUATION.map(sampleText), rows: 64 },
      context: 256,
      variants: METHODS.map((method) => ({ method, rank: 16 }))
    })
    finished = finishedOf(await runToEnd(run))
  })

  it.each(EVALUATION)('has the perplexities of the reference on %s', (text) => {
    const { perplexity, status } = finished
    expect(status).toBe('completed')
    const found = perplexity[text]
    expect(deviation(found?.fullPrecision, expected.full_precision[text])).toBeLessThan(1e-4)
    expect(deviation(found?.quantized, expected.quantized['nf4-dq']?.[text])).toBeLessThan(2e-3)
    for (const method of METHODS) {
      const own = found?.variants[`${method}-r16`]
      expect(deviation(own, expected[method].perplexity[text]), method).toBeLessThan(2e-3)
    }
  })

  it.each(METHODS)('has the calibrated error that the reference is left with by %s', (method) => {
    const { variants } = finished
    const variant = variants.find(({ name }) => name === `${method}-r16`) as VariantResult
    expect(deviation(meanRelativeLoss(variant), expected[method].mean_relative_calibrated_loss)).toBeLessThan(0.01)
  })
})
