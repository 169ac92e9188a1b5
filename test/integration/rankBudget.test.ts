import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { verifyAdapter } from '../../src/engine/ask/verify'
import type { RankChoice } from '../../src/shared/rankBudget'
import type { RunEventDraft, VariantResult } from '../../src/shared/runEvents'
import { characterModel } from '../helpers/characterModel'
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

const budget = { method: 'exact', rank: 8, rankBudget: {} }
const recipe = {
  model: sampleModel,
  calibration: { files: [sampleText('sotu-calibration.txt')], rows: 24 },
  evaluation: { files: [sampleText('sotu-evaluation.txt')], rows: 8 },
  variants: [{ method: 'exact', rank: 8 }, budget, { ...budget, method: 'kfac', refine: { steps: 4, batch: 2 } }]
}
/** A variant that goes through every phase, of a tiny model: what is stopped or kept elsewhere takes the same way. */
const { model, text } = characterModel('gemma2')
const short = {
  model,
  context: 32,
  calibration: { files: [text], rows: 24 },
  evaluation: { files: [text], rows: 4 },
  variants: [{ method: 'kfac', rank: 4, rankBudget: {}, refine: { steps: 4, batch: 2 } }]
}
const SHORT = ['kfac-r4-budget-refined']

const whole = toEnd(recipe)
const wholeShort = whole.then(() => toEnd(short))

const configOf = ({ record }: TestRun, variant: string) =>
  JSON.parse(readFileSync(join(record.out, variant, 'adapter_config.json'), 'utf8'))

describe('a variant with a rank budget', () => {
  it('brings the model nearer to full precision than one rank does, with no more parameters', async () => {
    const { finished } = await whole
    const divergence = (name: string): number =>
      finished.perplexity['sotu-evaluation.txt']?.statistics?.variants[name]?.klDivergence.mean as number
    expect(divergence('exact-r8-budget')).toBeGreaterThan(0)
    expect(divergence('exact-r8-budget')).toBeLessThan(0.9 * divergence('exact-r8'))
    const { ranks, layers } = finished.variants[1] as (typeof finished.variants)[number]
    expect(ranks?.kept).toBe('budget')
    expect(ranks?.budget).toBeLessThan(0.9 * (ranks?.uniform as number))
    const parameters = layers.reduce((sum, { rank = 0, shape }) => sum + rank * (shape[0] + shape[1]), 0)
    const given = layers.map(({ rank = 0 }) => rank)
    expect(ranks).toMatchObject({
      floor: 2,
      cap: 32,
      least: Math.min(...given),
      largest: Math.max(...given),
      parameters
    })
    expect(parameters).toBeLessThanOrEqual(ranks?.uniformParameters as number)
    expect(parameters).toBeGreaterThan(0.99 * (ranks?.uniformParameters as number))
  })

  it('tells the ranks that linears were given, though larger ones were allowed than any can have', async () => {
    const variants = [{ method: 'exact', rank: 4, rankBudget: { cap: 200 } }]
    const { ranks, layers } = finishedOf(await runToEnd(makeRun({ ...short, variants }))).variants[0] as VariantResult
    const largest = Math.max(...layers.map(({ rank = 0 }) => rank))
    expect(largest).toBeLessThan(200)
    expect(ranks).toMatchObject({ cap: 200, largest })
  })

  it('says the rank of every linear as PEFT reads it, all with one scaling', async () => {
    const { run, finished } = await whole
    const { layers } = finished.variants[1] as (typeof finished.variants)[number]
    const config = configOf(run, 'exact-r8-budget')
    expect(config).toMatchObject({ r: 8, lora_alpha: 16 })
    for (const { name, rank } of layers) {
      expect(config.rank_pattern[name] ?? config.r).toBe(rank)
      expect((config.alpha_pattern[name] ?? config.lora_alpha) / (rank as number)).toBeCloseTo(2, 12)
    }
    expect(new Set(layers.map(({ rank }) => rank)).size).toBeGreaterThan(5)
    expect(configOf(run, 'exact-r8').rank_pattern).toEqual({})
  })

  it('is found to fit by verify, and not with a rank or a scaling that is another', async () => {
    const { run } = await whole
    const adapter = join(run.record.out, 'exact-r8-budget')
    const scaling = async () => {
      const { checks } = await verifyAdapter(adapter, sampleModel)
      return checks.find((check) => check.name === 'scaling')
    }
    expect(await scaling()).toMatchObject({ ok: true })
    const path = join(adapter, 'adapter_config.json')
    const text = readFileSync(path, 'utf8')
    const config = JSON.parse(text)
    const [name] = Object.keys(config.rank_pattern) as [string]
    try {
      const alphas = { ...config.alpha_pattern, [name]: 2 * config.alpha_pattern[name] }
      writeFileSync(path, JSON.stringify({ ...config, alpha_pattern: alphas }))
      expect(await scaling()).toMatchObject({ ok: false, detail: expect.stringContaining(`${name} is scaled by 4`) })
      writeFileSync(path, JSON.stringify({ ...config, rank_pattern: { ...config.rank_pattern, [name]: 9 } }))
      expect(await scaling()).toMatchObject({ ok: false, detail: expect.stringContaining(`${name} has rank 9 there`) })
    } finally {
      writeFileSync(path, text)
    }
  })

  it('is refined from the ranks that were kept', async () => {
    const { finished } = await whole
    const { ranks, refinement } = finished.variants[2] as (typeof finished.variants)[number]
    expect(ranks?.kept).toBe('budget')
    // The divergence of stored factors, which come back from the state of the refinement times √s and divided by it.
    expect(Math.abs((refinement?.curve[0]?.divergence as number) / (ranks?.budget as number) - 1)).toBeLessThan(1e-4)
  })

  it('has one rank everywhere, byte for byte, where ranks of their own are not better', async () => {
    const variants = [recipe.variants[0], { ...budget, rankBudget: { floor: 8, cap: 8 } }]
    const bound = makeRun({ ...recipe, variants })
    const [, variant] = finishedOf(await runToEnd(bound)).variants
    const { kept, uniform, budget: own } = (variant as VariantResult).ranks as RankChoice
    expect([kept, own]).toEqual(['uniform', uniform])
    const weights = 'adapter_model.safetensors'
    expect(adapterDigests(bound, ['exact-r8-budget'])[`exact-r8-budget/${weights}`]).toBe(
      adapterDigests(bound, ['exact-r8'])[`exact-r8/${weights}`]
    )
    expect(configOf(bound, 'exact-r8-budget').rank_pattern).toEqual({})
  })

  it.each<[string, (event: RunEventDraft) => boolean]>([
    ['while it measures what ranks are worth', (event) => isProgress(event, 'weighing', 5)],
    ['after its second block', (event) => event.type === 'blockFinished' && event.block === 1],
    ['as it compares', (event) => isProgress(event, 'choosing')],
    ['after a stretch of its refinement', (event) => event.type === 'refined']
  ])('stopped %s goes on to the same bytes', async (_, stopAfter) => {
    const { run, finished } = await wholeShort
    expect(finished.variants[0]?.ranks?.kept).toBe('budget')
    const stopped = await stoppedAndFinished(short, stopAfter)
    expect(adapterDigests(stopped.run, SHORT)).toEqual(adapterDigests(run, SHORT))
  })

  it('gives the same bytes when nothing may stay in memory', async () => {
    const { run } = await wholeShort
    const onDisk = makeRun({ ...short, memoryBudget: 1 })
    await runToEnd(onDisk)
    expect(adapterDigests(onDisk, SHORT)).toEqual(adapterDigests(run, SHORT))
  })

  it.each([
    [{ ...budget, method: 'zero' }, 'zero-r8-budget: zero corrects nothing'],
    [{ ...budget, rankBudget: { floor: 9 } }, 'exact-r8-budget: the floor of the rank budget is 9, above the rank 8'],
    [{ ...budget, rankBudget: { cap: 7 } }, 'exact-r8-budget: the cap of the rank budget is 7, below the rank 8']
  ])('is refused where no choice of ranks meets it (%#)', async (variant, message) => {
    const { error } = finishedOf(await runToEnd(makeRun({ ...recipe, variants: [variant] })))
    expect(error?.message).toContain(message)
  })
})
