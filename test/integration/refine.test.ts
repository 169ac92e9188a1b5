import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Proof } from '../../src/engine/run/proof'
import { keptDivergence, type RefinementResult } from '../../src/shared/refinement'
import type { RunEventDraft } from '../../src/shared/runEvents'
import { characterModel } from '../helpers/characterModel'
import { sampleModel, sampleText } from '../helpers/paths'
import { adapterDigests, finishedOf, makeRun, runToEnd, stoppedAndFinished, type TestRun, toEnd } from '../helpers/runs'

const refine = { steps: 6, batch: 3, learningRate: 0.02 }
const recipe = {
  model: sampleModel,
  calibration: { files: [sampleText('moby-evaluation.txt')], rows: 12 },
  evaluation: { files: [sampleText('moby-calibration.txt')], rows: 4 },
  variants: [
    { method: 'exact', rank: 4 },
    { method: 'exact', rank: 4, refine }
  ]
}
/** The same of a tiny model: what is stopped, damaged or kept elsewhere takes the same way. */
const { model, text } = characterModel('gemma2')
const short = {
  ...recipe,
  ...{ model, context: 32, calibration: { files: [text], rows: 12 }, evaluation: { files: [text], rows: 4 } }
}
const NAMES = ['exact-r4', 'exact-r4-refined']

const weightsOf = ({ record }: TestRun, variant: string): Buffer =>
  readFileSync(join(record.out, variant, 'adapter_model.safetensors'))

const proofOf = ({ record }: TestRun, variant: string): Proof =>
  JSON.parse(readFileSync(join(record.out, variant, 'quail.json'), 'utf8'))

function resultOf(run: TestRun, variant: string): RefinementResult {
  const { refinement } = proofOf(run, variant)
  if (refinement === undefined) throw new Error(`${variant} was not refined`)
  return refinement
}

const whole = toEnd(recipe)
const wholeShort = whole.then(() => toEnd(short))

/** Whether an event is that report of how the held-out rows stand. */
const isReport = (event: RunEventDraft, report: number): boolean =>
  event.type === 'refined' && event.result.curve.length === report

describe('a refined variant', () => {
  it('has less divergence than its start, on held-out rows and on another text', async () => {
    const { run, finished } = await whole
    expect(finished.status).toBe('completed')
    const result = resultOf(run, 'exact-r4-refined')
    const { curve, quantized, kept } = result
    expect([result.rows, result.heldOutRows, result.heldOutTokens]).toEqual([11, 1, 63])
    expect(curve.map(({ steps }) => steps)).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(kept).toBeGreaterThan(0)
    expect(curve[0]?.divergence).toBeLessThan(quantized)
    expect(keptDivergence(result)).toBeLessThan(curve[0]?.divergence as number)
    expect(keptDivergence(result)).toBe(Math.min(...curve.map(({ divergence }) => divergence as number)))
    const rows = finished.perplexity['moby-calibration.txt']?.statistics?.variants
    const mean = (name: string) => rows?.[name]?.klDivergence.mean as number
    expect(mean('exact-r4-refined')).toBeLessThan(mean('exact-r4'))
    expect(finished.variants.map(({ refinement }) => refinement)).toEqual([undefined, result])
  })

  it('starts where its method ends', async () => {
    const { run } = await whole
    const [plain, refined] = NAMES.map((name) => proofOf(run, name).layers)
    expect(refined).toEqual(plain)
    expect(weightsOf(run, 'exact-r4-refined')).not.toEqual(weightsOf(run, 'exact-r4'))
  })

  it('tells how its held-out rows stand after each check', async () => {
    const { run, events } = await whole
    const told = events.flatMap((event) => (event.type === 'refined' ? [event] : []))
    expect(told.map(({ result }) => result.curve.length)).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(told.at(-1)?.result).toEqual(resultOf(run, 'exact-r4-refined'))
    const done = events.flatMap((event) =>
      event.type === 'phaseProgress' && event.phase === 'refining' ? [event.done / event.total] : []
    )
    expect(done.at(-1)).toBe(1)
    expect([...done].sort((a, b) => a - b)).toEqual(done)
  })

  it.each([1, 4, 7])('stopped after report %i goes on to the same bytes', async (reports) => {
    const { run } = await wholeShort
    const stopped = await stoppedAndFinished(short, (event) => isReport(event, reports))
    expect(stopped.second.filter(({ type }) => type === 'refined')).toHaveLength(7 - reports)
    expect(adapterDigests(stopped.run, NAMES)).toEqual(adapterDigests(run, NAMES))
  })

  it('begins its refinement anew where what it left is damaged', async () => {
    const { run } = await wholeShort
    const broken = makeRun(short)
    await runToEnd(broken, (event) => isReport(event, 3))
    const spool = join(broken.folder, 'spool')
    const state = readdirSync(spool).filter((name) => name.endsWith('.state'))
    expect(state).toHaveLength(1)
    writeFileSync(join(spool, state[0] as string), 'damaged')
    const events = await runToEnd(broken)
    expect(events.filter(({ type }) => type === 'blockFinished')).toHaveLength(0)
    expect(events.filter(({ type }) => type === 'refined')).toHaveLength(7)
    expect(adapterDigests(broken, NAMES)).toEqual(adapterDigests(run, NAMES))
  })

  it('gives the same bytes when nothing may stay in memory', async () => {
    const { run } = await wholeShort
    const onDisk = makeRun({ ...short, memoryBudget: 1 })
    await runToEnd(onDisk)
    expect(weightsOf(onDisk, 'exact-r4-refined')).toEqual(weightsOf(run, 'exact-r4-refined'))
  })

  it('is its start, byte for byte, where the steps only did harm', async () => {
    const harmed = makeRun({
      ...recipe,
      variants: [recipe.variants[0], { method: 'exact', rank: 4, refine: { ...refine, learningRate: 1 } }]
    })
    await runToEnd(harmed)
    expect(resultOf(harmed, 'exact-r4-refined').kept).toBe(0)
    expect(weightsOf(harmed, 'exact-r4-refined')).toEqual(weightsOf(harmed, 'exact-r4'))
  })

  it.each([
    ['from plain LoRA', { method: 'zero', rank: 4, refine }, {}],
    ['of some linears alone', { method: 'exact', rank: 4, targets: ['q_proj', 'down_proj'], refine }, {}],
    ['with another scaling', { method: 'exact', rank: 4, alpha: 32, rslora: true, refine }, {}],
    ['in bfloat16', { method: 'exact', rank: 4, refine }, { factorDtype: 'bfloat16' }],
    [
      'over int8',
      { method: 'exact', rank: 4, quantizer: { format: 'int8' }, refine: { ...refine, learningRate: 0.003 } },
      {}
    ],
    ['of padded rows', { method: 'exact', rank: 4, refine: { ...refine, learningRate: 0.01 } }, { policy: 'padded' }]
  ])('helps %s', async (_, variant, changes) => {
    const run = makeRun({ ...recipe, ...changes, variants: [{ ...variant, name: 'refined' }] })
    expect(finishedOf(await runToEnd(run)).status).toBe('completed')
    const result = resultOf(run, 'refined')
    expect(keptDivergence(result)).toBeLessThan(result.curve[0]?.divergence as number)
  })

  it('needs two rows', async () => {
    const run = makeRun({ ...recipe, calibration: { ...recipe.calibration, rows: 1 } })
    const { status, error } = finishedOf(await runToEnd(run))
    expect([status, error?.code]).toEqual(['failed', 'BAD_INPUT'])
    expect(error?.message).toMatch(/exact-r4-refined.*2 rows/)
  })
})
