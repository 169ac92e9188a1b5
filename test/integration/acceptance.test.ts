import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readAdapterDirectory } from '../../src/engine/formats/readAdapter'
import { type AcceptanceResult, acceptedDivergence, isKept } from '../../src/shared/acceptance'
import type { RunEventDraft } from '../../src/shared/runEvents'
import { allValues } from '../helpers/adapterValues'
import { sampleModel, sampleText } from '../helpers/paths'
import {
  adapterDigests,
  finishedOf,
  isProgress,
  makeRun,
  runToEnd,
  stoppedAndFinished,
  type TestRun,
  toEnd
} from '../helpers/runs'

const int8 = { format: 'int8' }
/** Far too few tokens, and a base that is all but full precision: some corrections of single layers do harm. */
const recipe = {
  model: sampleModel,
  context: 16,
  calibration: { files: [sampleText('sotu-calibration.txt')], rows: 4 },
  evaluation: { files: [sampleText('sotu-evaluation.txt')], rows: 4 },
  variants: [
    { method: 'exact', rank: 2, quantizer: int8 },
    { method: 'svd', rank: 8, quantizer: int8 },
    { method: 'diag', rank: 2, quantizer: int8 },
    { method: 'zero', rank: 2, quantizer: int8 }
  ],
  neverWorse: true
}
const NAMES = ['exact-r2', 'svd-r8', 'diag-r2', 'zero-r2']
const WEIGHTS = 'adapter_model.safetensors'

/** The same recipe, to its end. */
const whole = toEnd(recipe)

const acceptanceOf = async (name: string): Promise<AcceptanceResult> =>
  (await whole).finished.variants.find((variant) => variant.name === name)?.acceptance as AcceptanceResult

/** Blocks in which a linear has a correction. */
async function correctedBlocks({ record }: TestRun, variant: string): Promise<number[]> {
  const { tensors } = await readAdapterDirectory(join(record.out, variant))
  const corrected = new Set<number>()
  for (const [name, tensor] of tensors) {
    if (!name.includes('lora_B') || !(await allValues(tensor)).some((x) => x !== 0)) continue
    corrected.add(Number(/layers\.(\d+)/.exec(name)?.[1]))
  }
  return [...corrected].sort((a, b) => a - b)
}

describe('a run whose adapters are never to be worse than none', () => {
  it('keeps whole what helps, byte for byte as without being asked', async () => {
    const { run } = await whole
    expect(await acceptanceOf('exact-r2')).toMatchObject({ kept: 'whole', groups: [] })
    const { neverWorse: _, ...unasked } = recipe
    const other = makeRun(unasked)
    await runToEnd(other)
    const weights = `exact-r2/${WEIGHTS}`
    expect(adapterDigests(run, ['exact-r2'])[weights]).toBe(adapterDigests(other, ['exact-r2'])[weights])
  })

  it('keeps the groups of blocks that help where the whole does not', async () => {
    const { run, finished } = await whole
    const found = await acceptanceOf('svd-r8')
    expect(found.kept).toBe('groups')
    expect(found.whole).toBeGreaterThan(found.quantized)
    const kept = [0, 1, 2, 3].filter((block) => isKept(found, block))
    expect(kept.length).toBeGreaterThan(0)
    expect(kept.length).toBeLessThan(4)
    expect(await correctedBlocks(run, 'svd-r8')).toEqual(kept)
    const { layers } = finished.variants[1] as (typeof finished.variants)[number]
    for (const { name, loss, lossRank0, frobenius, frobeniusRank0, certificate } of layers) {
      if (kept.includes(Number(/layers\.(\d+)/.exec(name)?.[1]))) continue
      expect([loss, frobenius, certificate]).toEqual([lossRank0, frobeniusRank0, 0])
    }
  })

  it('keeps nothing where no part helps: then the model is what it is without an adapter', async () => {
    const { run, finished } = await whole
    const found = await acceptanceOf('diag-r2')
    expect(found.kept).toBe('zero')
    expect(found.groups.map(({ kept }) => kept)).toEqual([false, false, false, false])
    expect(await correctedBlocks(run, 'diag-r2')).toEqual([])
    const [text] = Object.values(finished.perplexity)
    expect(text?.variants['diag-r2']).toBe(text?.quantizers.int8)
    expect(text?.variants['diag-r2']).toBe(text?.variants['zero-r2'])
  })

  it('is never worse on the held-out rows', async () => {
    for (const name of NAMES.slice(0, 3)) {
      const found = await acceptanceOf(name)
      expect(acceptedDivergence(found)).toBeLessThanOrEqual(found.quantized)
      expect(found.quantized).toBeGreaterThan(0)
    }
    expect(await acceptanceOf('zero-r2')).toBeUndefined()
  })

  it('says on the card what was kept', async () => {
    const { run } = await whole
    const card = readFileSync(join(run.record.out, 'svd-r8', 'README.md'), 'utf8')
    expect(card).toMatch(
      /kept in blocks? [\d, –]+ of 4 alone, lora_B is 0 in the others: held-out KL 0\.000\d+ with all/
    )
  })

  it.each<[string, (event: RunEventDraft) => boolean]>([
    ['after its second block', (event) => event.type === 'blockFinished' && event.block === 1],
    ['as it asks', (event) => isProgress(event, 'choosing', 2)]
  ])('stopped %s goes on to the same bytes', async (_, stopAfter) => {
    const { run } = await whole
    const stopped = await stoppedAndFinished(recipe, stopAfter)
    expect(adapterDigests(stopped.run, NAMES)).toEqual(adapterDigests(run, NAMES))
  })

  it('needs two rows', async () => {
    const { error } = finishedOf(
      await runToEnd(makeRun({ ...recipe, calibration: { ...recipe.calibration, rows: 1 } }))
    )
    expect(error?.message).toContain('asking whether an adapter helps needs 2 rows of the calibration set')
  })
})
