import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { makeCheckpoint } from '../../bench/makeCheckpoint'
import { peakMemoryBytes, workingBytes } from '../../src/engine/plan/peakMemory'
import { planRun } from '../../src/engine/plan/planRun'
import { prepareRun } from '../../src/engine/prepare/prepareRun'
import { sampleModel } from '../helpers/paths'
import { finishedOf, makeRun, runToEnd } from '../helpers/runs'

/** A short run of the sample model, whose widths are those of which something is foreseen. */
const sampleRun = (changes: Parameters<typeof makeRun>[0]) => makeRun({ model: sampleModel, ...changes })

it('a plan counts what a refinement keeps: in memory as far as the budget allows, else on the disk', async () => {
  const planOf = async (changes: Parameters<typeof makeRun>[0]) => {
    const { recipe, calibration, evaluation } = sampleRun(changes).record
    const plan = await planRun({ recipe, calibration, evaluation, measure: false })
    const prepared = await prepareRun(recipe, { calibration, evaluation }, '.')
    const working = workingBytes(prepared)
    await prepared.release()
    const states = 4 * plan.model.blocks * 4 * recipe.context * plan.model.hiddenSize
    return { ...plan, working, states, factors: 12 * (plan.variants[0]?.parameters ?? 0) }
  }
  const [plain, refined] = [[{ method: 'exact', rank: 8 }], [{ method: 'exact', rank: 8, refine: {} }]]
  const [before, after] = [await planOf({ variants: plain }), await planOf({ variants: refined })]
  const { states, factors, quantized } = after
  const kept = states + factors + 4 * quantized.parameters
  expect(after.working - before.working).toBeGreaterThanOrEqual(kept)
  expect(after.working - before.working).toBeLessThan(1.5 * kept) // its steps may also work with more than a block does
  const [small, tight] = await Promise.all([plain, refined].map((variants) => planOf({ variants, memoryBudget: 1 })))
  expect((tight?.working ?? 0) - (small?.working ?? 0)).toBeLessThan(0.5 * kept)
  // Stored factors: what was found, what is kept, and what takes its place. The variant's own rows come after it.
  const stored = small?.adapterBytes ?? 0
  const solved = ((small?.spoolBytes ?? 0) - stored) / 2 - 4 * 4 * 64 * 256
  expect(tight?.spoolBytes).toBeGreaterThan(solved + states + 3 * factors + 3 * stored + 0.5 * quantized.parameters)
  expect(tight?.spoolBytes).toBeLessThan(solved + states + 3 * factors + 3 * stored + 0.6 * quantized.parameters)
})

it('a plan counts the attention weights of a batch of long rows, which a step needs all at once', async () => {
  const context = 512
  const planOf = async (variant: object) => {
    const { recipe, calibration } = sampleRun({ context, variants: [{ method: 'svd', rank: 8, ...variant }] }).record
    return planRun({ recipe: { ...recipe, memoryBudget: 1 }, calibration, evaluation: [], measure: false })
  }
  const [before, after] = [await planOf({}), await planOf({ refine: {} })]
  expect(after.peakMemoryBytes - before.peakMemoryBytes).toBeGreaterThan(8 * 4 * 4 * context ** 2) // four rows, four heads, with gradients
})

it('a plan foresees the largest resident set of a run within a factor of two', async () => {
  const run = sampleRun({ variants: [{ method: 'exact', rank: 8 }] })
  const { recipe, calibration, evaluation } = run.record
  const { peakMemoryBytes } = await planRun({ recipe, calibration, evaluation, measure: false })
  expect(finishedOf(await runToEnd(run)).status).toBe('completed')
  // This test file has a process of its own; the test runner in it counts as much as the program around the engine.
  const measured = 1024 * process.resourceUsage().maxRSS
  expect(peakMemoryBytes / measured).toBeGreaterThan(1 / 2)
  expect(peakMemoryBytes / measured).toBeLessThan(2)
})

it('a plan counts what the tokenizer takes for the longest piece of a text that it gets at a time', async () => {
  const { recipe, calibration, evaluation } = sampleRun({}).record
  const prepared = await prepareRun(recipe, { calibration, evaluation }, '.')
  const peakOf = (bytesAtATime: number) => peakMemoryBytes({ ...prepared, bytesAtATime })
  const long = 10 * 2 ** 20
  // In one piece, texts of 1.5, 6 and 12 million bytes took 0.2, 0.8 and 1.6 GB more than a short one.
  expect(peakOf(2 * long) - peakOf(long)).toBe(138 * long)
  expect(prepared.bytesAtATime).toBeGreaterThan(0)
  expect(prepared.bytesAtATime).toBeLessThan(2 ** 19)
  await prepared.release()
})

it('a plan counts what the tables of the tokenizer take, which of a small model with a large vocabulary are the most', async () => {
  const { recipe, calibration, evaluation } = sampleRun({}).record
  const prepared = await prepareRun(recipe, { calibration, evaluation }, '.')
  expect(prepared.tables).toEqual({ tokens: 4096, merges: 3837 })
  const peakOf = (tables: typeof prepared.tables) => peakMemoryBytes({ ...prepared, tables }) / 2 ** 20
  // Of the size of Gemma's, and one of words without merges: the two processes took 871 and 676 MiB.
  const [gemma, words] = [peakOf({ tokens: 262_144, merges: 514_000 }), peakOf({ tokens: 300_000, merges: 0 })]
  expect(gemma).toBeGreaterThan(871)
  expect(gemma).toBeLessThan(2 * 871)
  expect(words).toBeGreaterThan(676)
  expect(words).toBeLessThan(2 * 676)
  await prepared.release()
})

it('a plan counts the threads that solve linears, and what each of them takes', async () => {
  const model = mkdtempSync(join(tmpdir(), 'quail-model-'))
  await makeCheckpoint(model, {
    blocks: 1,
    hidden: 512,
    intermediate: 1024,
    heads: 8,
    keyValueHeads: 8,
    vocabulary: 4096
  })
  const planOf = async (threads: number) => {
    vi.stubEnv('QUAIL_THREADS', `${threads}`)
    // Rows so long that the work takes more than the process that tokenizes before it.
    const { recipe, calibration } = sampleRun({ model, context: 1024 }).record
    const prepared = await prepareRun(recipe, { calibration, evaluation: [] }, '.')
    const found = { peak: peakMemoryBytes(prepared), working: workingBytes(prepared) }
    await prepared.release()
    const { seconds } = await planRun({ recipe, calibration, evaluation: [], measure: false })
    return { ...found, seconds }
  }
  const [one, two, three] = [await planOf(1), await planOf(2), await planOf(3)]
  vi.unstubAllEnvs()
  const MiB = 2 ** 20
  // Of the second linear [1024, 512]: E, its transpose and as much again; H of 512 inputs in both precisions.
  const beside = 12 * (512 * 1024 + 512 * 512)
  expect([two.working - one.working, three.working - two.working]).toEqual([beside, beside])
  expect([two.peak - one.peak, three.peak - two.peak]).toEqual([100 * MiB + beside, 50 * MiB + beside])
  expect(two.seconds).toBeLessThan(one.seconds)
})
