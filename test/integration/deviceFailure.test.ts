import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { setCudaFolder } from '../../src/engine/graph/devices/cudaFiles'
import { planRun, preflight } from '../../src/engine/plan/planRun'
import type { RunEventDraft } from '../../src/shared/runEvents'
import { JournalEntry, type SolvedBlock, solvedBlocks } from '../../src/shared/runFolder'
import { mockCard } from '../helpers/failingCard'
import { adapterDigests, finishedOf, makeRun, runToEnd, type TestRun } from '../helpers/runs'

/*
 * A card that fails, at the boundary to the library: what is asked of `webgpu` is computed by the processor, until a call
 * throws what the library throws when a device is lost, and every call after it. A block then has the bytes that it has in a
 * run that is computed in that place as a whole: hidden states and second moments are the same in both.
 */

const LOST = "Non-zero status code returned while running Gemm node. Name:'' Status Message: Device was lost"

/** @param after - calls that succeed; @returns how many were made */
function failingCard(after: number): () => number {
  let calls = 0
  mockCard(() => (++calls > after ? LOST : undefined))
  return () => calls
}

afterEach(() => {
  vi.restoreAllMocks()
})

const shortRun = (changes: object = {}): TestRun =>
  makeRun({ device: 'webgpu', context: 32, variants: [{ name: 'v', method: 'svd', rank: 4 }], ...changes })

const journalOf = ({ folder }: TestRun): SolvedBlock[] =>
  solvedBlocks(
    readFileSync(join(folder, 'journal.jsonl'), 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JournalEntry.parse(JSON.parse(line)))
  )

const warnings = (events: readonly RunEventDraft[]): string[] =>
  events.flatMap((event) => (event.type === 'warning' && event.code === 'DEVICE_FAILED' ? [event.message] : []))

const weightsOf = (run: TestRun): string | undefined => adapterDigests(run, ['v'])['v/adapter_model.safetensors']

describe('a device that is missing', () => {
  const cuda = (onDeviceFailure: string): TestRun => shortRun({ device: 'cuda', onDeviceFailure })
  const request = ({ record: { recipe, calibration, evaluation } }: TestRun) => ({ recipe, calibration, evaluation })
  const findings = async (run: TestRun) =>
    (await preflight(request(run))).findings.filter(({ code }) => code === 'DEVICE').map(({ severity }) => severity)

  it('is an error of the plan, or a warning where the run would go on on the processor', async () => {
    setCudaFolder('/nowhere')
    expect(await findings(cuda('stop'))).toEqual(['error'])
    expect(await findings(cuda('cpu'))).toEqual(['warning'])
    await expect(planRun({ ...request(cuda('stop')), measure: true })).rejects.toMatchObject({ code: 'DEVICE' })
    const { speed, findings: found } = await planRun({ ...request(cuda('cpu')), measure: true })
    expect(speed.measured).toBe(true)
    expect(found.find(({ code }) => code === 'DEVICE')?.message).toContain('the run will be computed on the processor')
  })

  it('stops a run, or lets it be computed on the processor', async () => {
    setCudaFolder('/nowhere')
    const reason = expect.stringMatching(/^device cuda: /)
    const stopped = finishedOf(await runToEnd(cuda('stop')))
    expect(stopped).toMatchObject({ status: 'failed', error: { code: 'DEVICE', message: reason } })
    const finished = finishedOf(await runToEnd(cuda('cpu')))
    const blocks = ['cpu', 'cpu', 'cpu', 'cpu']
    expect(finished).toMatchObject({ status: 'completed', deviceFailure: { device: 'cuda', reason, blocks } })
  })
})

/** What is stored of the factors of each block. */
const factorsOf = (run: TestRun) => journalOf(run).map(({ factors }) => factors)

/** A perplexity of the run under its variant. */
const measuredOf = (events: readonly RunEventDraft[]): number =>
  Object.values(finishedOf(events).perplexity)[0]?.variants.v ?? Number.NaN

describe('a device that fails', () => {
  const whole = { calls: 0, weights: '' as string | undefined, perplexity: {} as unknown, measured: 0 }
  let onCard: ReturnType<typeof factorsOf> = []
  let onProcessor: ReturnType<typeof factorsOf> = []

  it('is not there in a run on the processor', async () => {
    const run = shortRun({ device: 'cpu' })
    expect(finishedOf(await runToEnd(run))).toMatchObject({ status: 'completed' })
    onProcessor = factorsOf(run)
  })

  it('is no matter of a run in which it does not', async () => {
    const calls = failingCard(Number.POSITIVE_INFINITY)
    const run = shortRun({ onDeviceFailure: 'cpu' })
    const events = await runToEnd(run)
    expect(finishedOf(events)).toMatchObject({ status: 'completed' })
    expect(finishedOf(events).deviceFailure).toBeUndefined()
    expect(warnings(events)).toEqual([])
    expect(journalOf(run).map(({ device }) => device)).toEqual(['webgpu', 'webgpu', 'webgpu', 'webgpu'])
    const { perplexity } = finishedOf(events)
    Object.assign(whole, { calls: calls(), weights: weightsOf(run), perplexity, measured: measuredOf(events) })
    onCard = factorsOf(run)
  })

  it('stops the run with its reason, and resumed it gives the same bytes', async () => {
    failingCard(Math.floor(whole.calls / 2))
    const run = shortRun()
    const failed = finishedOf(await runToEnd(run))
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'DEVICE', message: `device webgpu: ${LOST}` } })
    const before = journalOf(run).length
    expect(before).toBeGreaterThan(0)
    vi.restoreAllMocks()
    failingCard(Number.POSITIVE_INFINITY)
    const events = await runToEnd(run)
    expect(events.find(({ type }) => type === 'planned')).toMatchObject({ resumedBlocks: before })
    expect(finishedOf(events)).toMatchObject({ status: 'completed', perplexity: whole.perplexity })
    expect(weightsOf(run)).toBe(whole.weights)
  })

  it.each([
    ['before the first block', 0],
    ['in the middle', 0.5],
    ['in the evaluation', 1]
  ])('%s: the run goes on on the processor where the recipe says so, and tells it', async (_, share) => {
    failingCard(Math.max(0, Math.floor(whole.calls * share) - 1))
    const run = shortRun({ onDeviceFailure: 'cpu' })
    const events = await runToEnd(run)
    const { status, deviceFailure } = finishedOf(events)
    expect(status).toBe('completed')
    const reason = `device webgpu: ${LOST}`
    expect(warnings(events)).toEqual([`${reason}; the run goes on on the processor, after its last finished block`])
    const blocks = journalOf(run).map(({ device }) => device)
    expect(deviceFailure).toEqual({ device: 'webgpu', reason, blocks, evaluation: 'cpu' })
    const before = blocks.filter((device) => device === 'webgpu').length
    if (share === 0) expect(before).toBe(0)
    if (share === 0.5) expect([1, 2, 3]).toContain(before)
    if (share === 1) expect(before).toBe(4)
    expect(blocks).toEqual([0, 1, 2, 3].map((block) => (block < before ? 'webgpu' : 'cpu')))
    for (const [i, { deviceFailure: why }] of journalOf(run).entries())
      expect(why).toBe(i < before ? undefined : reason)
    const adapter = run.record.outIsAdapter ? run.record.out : join(run.record.out, 'v')
    const proof = JSON.parse(readFileSync(join(adapter, 'quail.json'), 'utf8')) as { recipe: Record<string, unknown> }
    expect(proof.recipe).toMatchObject({ device: 'webgpu', deviceFailure })
    expect(readFileSync(join(adapter, 'README.md'), 'utf8')).toMatch(/computed on .*cpu \(.*evaluation\)/)
    expect(factorsOf(run)).toEqual([...onCard.slice(0, before), ...onProcessor.slice(before)])
    // Products of the solver are made in other orders there: float32's last places, in factors alone.
    expect(Math.abs(measuredOf(events) / whole.measured - 1)).toBeLessThan(1e-6)
  })
})
