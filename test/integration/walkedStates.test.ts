import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { webgpu as card } from '../../src/engine/graph/devices/webgpu'
import { QuantizedBlocks } from '../../src/engine/refine/quantizedBlocks'
import { Student } from '../../src/engine/refine/student'
import { heldOutRows } from '../../src/shared/refinement'
import { characterModel } from '../helpers/characterModel'
import { configOf, tensorsOf } from '../helpers/checkpoints'
import { type Bus, carriedOf, watchBus } from '../helpers/deviceBus'
import { adapterDigests, finishedOf, isProgress, makeRun, runToEnd, type TestRun } from '../helpers/runs'
import { webgpuDevice } from '../helpers/webgpuDevice'

const { missing } = await webgpuDevice('the tests of walks on a device')

const [CONTEXT, ROWS] = [16, 6]
/** Behind each of the two blocks, states may stay for the next. */
const BETWEEN = 1

const { model, text } = characterModel('llama', CONTEXT)
afterAll(() => rmSync(model, { recursive: true }))
afterEach(() => vi.restoreAllMocks())

const shortRun = (): TestRun =>
  makeRun({
    model,
    device: 'webgpu',
    context: CONTEXT,
    calibration: { files: [text], rows: ROWS },
    evaluation: undefined,
    variants: [
      { name: 'v', method: 'kfac', rank: 4, rankBudget: {}, refine: { steps: 2, batch: 2, learningRate: 0.003 } }
    ]
  })

const foundBy = (run: TestRun) => ({
  adapter: adapterDigests(run, ['v'])['v/adapter_model.safetensors'],
  steps: readFileSync(join(run.folder, 'journal.jsonl'), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => ({ ...JSON.parse(line), durationMs: 0 }))
})

async function completed(run: TestRun) {
  const { status, error } = finishedOf(await runToEnd(run))
  expect([status, error]).toEqual(['completed', undefined])
  return foundBy(run)
}

/** With states that travel, as if no card had memory for them. */
let travelling: Promise<{ readonly bus: Bus; readonly found: ReturnType<typeof foundBy> }> | undefined

const whole = () => {
  travelling ??= (async () => {
    vi.spyOn(card as Required<typeof card>, 'memory').mockResolvedValue([1])
    const bus = watchBus()
    const found = await completed(shortRun())
    vi.restoreAllMocks()
    return { bus, found }
  })()
  return travelling
}

/** Bytes of a block's codes: half of one for each weight of its linears. */
const codesOfBlock = tensorsOf(model)
  .filter(({ name }) => /layers\.0\..*_proj\.weight$/.test(name))
  .reduce((sum, { shape: [rows = 0, columns = 0] }) => sum + (rows * columns) / 2, 0)

/** The blocks that were asked for one after the other, of each base that is walked over, from now on. */
function watchBlocks(): Map<QuantizedBlocks, number[]> {
  const asked = new Map<QuantizedBlocks, number[]>()
  const { weights } = QuantizedBlocks.prototype
  vi.spyOn(QuantizedBlocks.prototype, 'weights').mockImplementation(function (this: QuantizedBlocks, block) {
    const before = asked.get(this) ?? []
    // The block at hand is not made again.
    if (before.at(-1) !== block) asked.set(this, [...before, block])
    return weights.call(this, block)
  })
  return asked
}

describe.skipIf(missing !== undefined)('hidden states of walks over all blocks', () => {
  it('stay on the device forward and for the way back, and what is found is what it is with states that travel', async () => {
    const expected = await whole()
    const walks: { readonly rows: number; readonly back: boolean }[] = []
    const { forward } = Student.prototype
    vi.spyOn(Student.prototype, 'forward').mockImplementation(function (this: Student, batches, adapters, here, keep) {
      walks.push({ rows: batches.reduce((sum, { rows }) => sum + rows.length, 0), back: keep !== undefined })
      return forward.call(this, batches, adapters, here, keep)
    })
    const asked = watchBlocks()
    const bus = watchBus()
    expect(await completed(shortRun())).toEqual(expected.found)
    expect(bus.lying()).toBe(0)
    expect(new Set(walks.map(({ back }) => back))).toEqual(new Set([true, false]))
    // For the curvature: forward, for the gradients, and for what ranks are worth. To solve: forward.
    const measured = 3 * (ROWS - heldOutRows(ROWS)) + ROWS
    const walked = walks.reduce((sum, { rows, back }) => sum + (back ? 2 : 1) * rows, measured)
    const row = 4 * CONTEXT * (configOf(model).hidden_size as number)
    const saved = (way: 'up' | 'down', name: string) => carriedOf(expected.bus[way], name) - carriedOf(bus[way], name)
    expect(saved('up', 'hidden')).toBe(BETWEEN * walked * row)
    // States that stay do not come back: neither as what a block gives, nor as what is read.
    const forwards = walks.reduce((sum, { rows }) => sum + rows, ROWS - heldOutRows(ROWS))
    expect(saved('down', 'next') + saved('down', 'result')).toBe(BETWEEN * forwards * row)
    // Gradients go there at the last block, and none comes back from any.
    const back = walks.reduce((sum, walk) => sum + (walk.back ? walk.rows : 0), ROWS - heldOutRows(ROWS))
    expect(saved('up', 'gradient')).toBe(BETWEEN * back * row)
    expect(saved('down', 'gradient.hidden')).toBe((BETWEEN + 1) * back * row)
    // Blocks are quantized when they are first asked for. From then on codes travel each time, or once.
    const codes = [...asked.values()].map((blocks) => {
      const later = blocks.filter((block, i) => blocks.indexOf(block) < i)
      return later.length - new Set(later).size
    })
    expect(Math.min(...codes)).toBeGreaterThan(0)
    expect(saved('up', 'words')).toBe(codes.reduce((sum, times) => sum + times, 0) * codesOfBlock)
    // Adapters go there for the batches of a walk once.
    expect([...bus.up.keys()].filter((name) => name.includes('lora_'))).toEqual([])
  })

  it.each([
    ['the device is lost', 'weighing', 3],
    ['the run is stopped', 'choosing', 0.2],
    ['the device is lost', 'refining', 0.9]
  ])('leave nothing there when %s, %s from %f on', async (how, phase, least) => {
    const losing = how === 'the device is lost'
    let lost = false
    const bus = watchBus(() => {
      if (lost) throw new Error('Device was lost')
    })
    const run = shortRun()
    const events = await runToEnd(run, (event) => {
      const come = isProgress(event, phase, least)
      lost ||= losing && come
      return !losing && come
    })
    const { status, error } = finishedOf(events)
    expect([status, error?.code]).toEqual(losing ? ['failed', 'DEVICE'] : ['cancelled', 'CANCELLED'])
    expect([bus.left() > 0, bus.lying()]).toEqual([true, 0])
    lost = false
    expect(await completed(run)).toEqual((await whole()).found)
    expect(bus.lying()).toBe(0)
  })
})
