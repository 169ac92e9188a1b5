import { describe, expect, test } from 'vitest'
import { ProgressTracker } from '../../../src/services/runProgress'
import type { RunEvent, RunEventDraft } from '../../../src/shared/runEvents'
import { refinementResult } from '../../helpers/stores'

const BLOCK_MS = 10_000

/** The events of a run of four blocks, ten seconds each, whose evaluation is a fifth of the arithmetic. */
function events(resumedBlocks = 0): RunEvent[] {
  let atMs = 1_000_000
  const list: RunEvent[] = []
  const add = (draft: RunEventDraft, laterMs = 0): void => {
    atMs += laterMs
    list.push({ ...draft, run: 'r', seq: list.length, atMs })
  }
  add({ type: 'phaseStarted', phase: 'reading', total: 1, unit: '' })
  const figures = { blocks: 4, linears: 28, parameters: 1, calibrationTokens: 5000, evaluationTokens: 900 }
  add({ type: 'planned', ...figures, variants: ['a'], resumedBlocks, evaluationShare: 0.2 })
  add({ type: 'phaseStarted', phase: 'embedding', total: 2, unit: '' })
  for (const done of [1, 2]) add({ type: 'phaseProgress', phase: 'embedding', done, total: 2 }, 100)
  add({ type: 'phaseStarted', phase: 'blocks', total: 4, unit: 'blocks' })
  if (resumedBlocks > 0) add({ type: 'phaseProgress', phase: 'blocks', done: resumedBlocks, total: 4 })
  for (let block = resumedBlocks; block < 4; block++) {
    for (const part of [0.25, 0.5, 0.75, 1])
      add({ type: 'phaseProgress', phase: 'blocks', done: block + part, total: 4 }, BLOCK_MS / 4)
    add({ type: 'blockFinished', block, total: 4, durationMs: BLOCK_MS })
  }
  add({ type: 'phaseStarted', phase: 'evaluating', total: 10, unit: '' })
  for (let done = 1; done <= 10; done++) add({ type: 'phaseProgress', phase: 'evaluating', done, total: 10 }, 1000)
  add({ type: 'phaseStarted', phase: 'exporting', total: 1, unit: '' })
  add({ type: 'phaseProgress', phase: 'exporting', done: 1, total: 1 }, 50)
  add({ type: 'finished', status: 'completed', perplexity: {}, variants: [] })
  return list
}

const ABOUT = { run: 'r', title: 'r', startedAtMs: 0, memoryBytes: 1 }

/** What is shown after each event. */
function shown(list: readonly RunEvent[]) {
  const tracker = new ProgressTracker()
  return list.map((event) => {
    tracker.accept(event)
    return { event, ...tracker.snapshot(ABOUT, event.atMs) }
  })
}

describe.each([0, 2])('a run with %i blocks done before', (resumed) => {
  const states = shown(events(resumed))

  test('never goes back, never passes its end, and reaches it', () => {
    const shares = states.map(({ share }) => share)
    expect(shares).toEqual([...shares].sort((a, b) => a - b))
    expect(shares.every((share) => share >= 0 && share <= 1 + 1e-12)).toBe(true)
    expect(shares.at(-2)).toBeCloseTo(1, 12)
    expect(shares.at(-1)).toBe(1)
    // The blocks are not all of it: evaluation is still to come.
    expect(states.findLast(({ phase }) => phase === 'blocks')?.share).toBeLessThan(0.85)
  })

  test('counts no more blocks than there are', () => {
    for (const { blocksDone, blocks } of states) expect(blocksDone).toBeLessThanOrEqual(Math.max(blocks, resumed))
    expect(states.at(-1)).toMatchObject({ blocksDone: 4, blocks: 4 })
  })

  test('tells the time from a part of the first block on, with the truth inside its span', () => {
    const end = states.at(-1)?.event.atMs ?? 0
    const known = states.filter(({ phase, remainingMs }) => phase !== 'exporting' && remainingMs !== null)
    expect(known[0]?.phase).toBe('blocks')
    expect(known[0]?.blocksDone).toBe(resumed)
    for (const { event, phase, remainingMs } of states.slice(states.indexOf(known[0]!))) {
      if (phase === 'exporting') continue
      expect(remainingMs?.low, `${phase} at ${event.atMs}`).toBeLessThanOrEqual(end - event.atMs)
      expect(remainingMs?.high, `${phase} at ${event.atMs}`).toBeGreaterThanOrEqual(end - event.atMs - 100)
    }
  })
})

test('after the last block the evaluation is still to come', () => {
  const last = shown(events()).findLast(({ event }) => event.type === 'blockFinished')
  expect(last?.remainingMs?.low).toBeGreaterThan(1000)
})

test('tokens per second are those of the last block', () => {
  const states = shown(events())
  expect(states.find(({ phase }) => phase === 'blocks')?.tokensPerSecond).toBeNull()
  expect(states.at(-1)?.tokensPerSecond).toBe((1000 * 5000) / BLOCK_MS)
})

test('a refinement tells its variant, its step and how its held-out rows stand', () => {
  const tracker = new ProgressTracker()
  const at = { run: 'r', seq: 0, atMs: 0 }
  const figures = { blocks: 4, linears: 28, parameters: 1, calibrationTokens: 5000, evaluationTokens: 900 }
  const refinements = [
    { variant: 'a', steps: 48 },
    { variant: 'b', steps: 2 }
  ]
  tracker.accept({ ...at, type: 'planned', ...figures, variants: ['a', 'b'], resumedBlocks: 4, refinements })
  expect(tracker.refining).toBeNull()
  tracker.accept({ ...at, type: 'phaseStarted', phase: 'refining', total: 54, unit: 'steps' })
  expect(tracker.refining).toEqual({ variant: 'a', step: 1, steps: 48, checks: 0, start: null, least: null })
  tracker.accept({ ...at, type: 'refined', variant: 'a', result: refinementResult(1) })
  const steps = [6.5, 47.9, 48, 50, 53].map((done) => {
    tracker.accept({ ...at, type: 'phaseProgress', phase: 'refining', done, total: 54 })
    return tracker.refining
  })
  const ofA = { variant: 'a', steps: 48, checks: 2, start: 0.01 / 3, least: 0.01 / 4 }
  expect(steps).toEqual([
    { ...ofA, step: 7 },
    { ...ofA, step: 48 },
    { variant: 'b', step: 1, steps: 2, checks: 0, start: null, least: null },
    null,
    null
  ])
})
