import { expect, it } from 'vitest'
import { planRun } from '../../src/engine/plan/planRun'
import { finishedOf, makeRun, runToEnd } from '../helpers/runs'

it('a plan foresees the largest resident set of a run within a factor of two', async () => {
  const run = makeRun({ variants: [{ method: 'exact', rank: 8 }] })
  const { recipe, calibration, evaluation } = run.record
  const { peakMemoryBytes } = await planRun({ recipe, calibration, evaluation, measure: false })
  expect(finishedOf(await runToEnd(run)).status).toBe('completed')
  // This test file has a process of its own; the test runner in it counts as much as the program around the engine.
  const measured = 1024 * process.resourceUsage().maxRSS
  expect(peakMemoryBytes / measured).toBeGreaterThan(1 / 2)
  expect(peakMemoryBytes / measured).toBeLessThan(2)
})
