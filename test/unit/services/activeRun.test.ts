import { afterEach, expect, it, vi } from 'vitest'
import { ActiveRun } from '../../../src/services/activeRun'

afterEach(() => void vi.useRealTimers())

it('a run counts as stuck when it shows nothing for 20 seconds, and three times as long as ever before', () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const run = new ActiveRun('r', 'r', { onProgress: () => {}, onRunChanged: () => {} })
  const after = (seconds: number): boolean => {
    vi.advanceTimersByTime(1000 * seconds)
    return run.isStuck
  }
  expect([after(19), after(2)]).toEqual([false, true])
  run.accept({ type: 'warning', code: 'C', message: 'm', run: 'r', seq: 0, atMs: 0 })
  expect([after(0), after(62), after(2)]).toEqual([false, false, true])
})
