import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { RunEventDraft } from '../../src/shared/runEvents'
import { mockCard } from '../helpers/failingCard'
import { adapterDigests, finishedOf, makeRun, runToEnd, type TestRun } from '../helpers/runs'

const recipe = {
  context: 32,
  variants: [{ name: 'v', method: 'svd', rank: 4, refine: { steps: 4, batch: 3, learningRate: 0.02 } }]
}
const CHECKS = 5

const weightsOf = (run: TestRun): string | undefined => adapterDigests(run, ['v'])['v/adapter_model.safetensors']
const refined = (events: readonly RunEventDraft[]): number => events.filter(({ type }) => type === 'refined').length

const whole = (async () => {
  const run = makeRun(recipe)
  expect(finishedOf(await runToEnd(run)).status).toBe('completed')
  return run
})()

afterEach(() => {
  vi.restoreAllMocks()
})

describe('a refinement', () => {
  it('leaves nothing behind but the factors that it kept', async () => {
    const { folder } = await whole
    expect(readdirSync(folder)).not.toContain('spool')
    const blocks = ['0000', '0001', '0002', '0003'].map((block) => `block-${block}.safetensors`)
    const kept = readdirSync(join(folder, 'factors')).filter((file) => !blocks.includes(file))
    expect(kept).toEqual([expect.stringMatching(/^refined-v-[1-4]\.safetensors$/)])
  })

  it('goes on on the processor where its device fails in the middle of a step', async () => {
    // The factors that it begins with are found there, by products in another order; its steps are the same in both places.
    const [onCard, run] = [0, 1].map(() => makeRun({ ...recipe, device: 'webgpu', onDeviceFailure: 'cpu' })) as [
      TestRun,
      TestRun
    ]
    mockCard(() => undefined)
    expect(finishedOf(await runToEnd(onCard)).deviceFailure).toBeUndefined()
    vi.restoreAllMocks()
    let reports = 0
    let calls = 0
    mockCard(() => (reports >= 3 && ++calls > 2 ? 'Device was lost' : undefined))
    const events = await runToEnd(run, ({ type }) => {
      if (type === 'refined') reports++
      return false
    })
    expect(finishedOf(events)).toMatchObject({ status: 'completed', deviceFailure: { device: 'webgpu' } })
    expect(refined(events)).toBe(CHECKS) // those before the failure hold
    expect(weightsOf(run)).toBe(weightsOf(onCard))
  })

  it('begins anew where the factors that it kept are damaged', async () => {
    const run = makeRun(recipe)
    let seen = 0
    await runToEnd(run, ({ type }) => type === 'refined' && ++seen === 4)
    const factors = join(run.folder, 'factors')
    const kept = readdirSync(factors).filter((file) => file.startsWith('refined-'))
    expect(kept).toHaveLength(1)
    writeFileSync(join(factors, kept[0] as string), readFileSync(join(factors, kept[0] as string)).subarray(1))
    const events = await runToEnd(run)
    expect(events.filter(({ type }) => type === 'blockFinished')).toHaveLength(0)
    expect(refined(events)).toBe(CHECKS)
    expect(weightsOf(run)).toBe(weightsOf(await whole))
  })

  it('removes what a process left that was killed between two of its records', async () => {
    const run = makeRun(recipe)
    let seen = 0
    await runToEnd(run, ({ type }) => type === 'refined' && ++seen === 3)
    const superseded = join(run.folder, 'factors', 'refined-v-9.safetensors')
    writeFileSync(superseded, 'superseded')
    writeFileSync(join(run.folder, 'factors', '.refined-v-3.safetensors.1-0.tmp'), 'half')
    writeFileSync(join(run.folder, 'spool', 'refine.v.9.state'), 'superseded')
    expect(finishedOf(await runToEnd(run)).status).toBe('completed')
    expect(readdirSync(run.folder)).not.toContain('spool')
    const left = readdirSync(join(run.folder, 'factors')).filter((file) => !file.startsWith('block-'))
    expect(left).toHaveLength(1)
    expect(weightsOf(run)).toBe(weightsOf(await whole))
  })
})
