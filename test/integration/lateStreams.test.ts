import { rmSync } from 'node:fs'
import { afterAll, afterEach, expect, it, vi } from 'vitest'
import { ModelWeights } from '../../src/engine/models/modelWeights'
import { characterModel } from '../helpers/characterModel'
import { configOf, tensorsOf } from '../helpers/checkpoints'
import { finishedOf, makeRun, runToEnd } from '../helpers/runs'

const CONTEXT = 16
const { model, text } = characterModel('mixtral', CONTEXT)

afterEach(() => vi.restoreAllMocks())
afterAll(() => rmSync(model, { recursive: true }))

it('read the experts of a block once for the late streams of all quantizers', async () => {
  const reads = vi.spyOn(ModelWeights.prototype, 'readPart')
  const files = [text]
  const run = makeRun({
    ...{ model, context: CONTEXT, calibration: { files, rows: 8 }, evaluation: { files, rows: 8 } },
    variants: (['nf4', 'int8'] as const).map((format) => ({
      ...{ name: format, method: 'exact', rank: 4, rankBudget: {} },
      quantizer: { format }
    }))
  })
  const blocks = configOf(model).num_hidden_layers as number
  const before: number[] = []
  const events = await runToEnd(run, (event) => {
    // The last of this phase are the blocks that late streams go through.
    if (event.type === 'phaseProgress' && event.phase === 'choosing' && event.total - event.done <= blocks)
      before.push(reads.mock.calls.length)
    return false
  })
  expect(finishedOf(events).error).toBeUndefined()
  const experts = tensorsOf(model).filter(({ name }) => name.includes('.experts.')).length
  expect(experts).toBeGreaterThan(0)
  expect((before.at(-1) as number) - (before[0] as number)).toBe(experts)
})
