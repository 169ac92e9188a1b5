import { createHash } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { webgpu as card } from '../../src/engine/graph/devices/webgpu'
import { characterModel } from '../helpers/characterModel'
import { configOf, tensorsOf } from '../helpers/checkpoints'
import { type Bus, carriedOf, watchBus } from '../helpers/deviceBus'
import { finishedOf, isProgress, makeRun, runToEnd, type TestRun } from '../helpers/runs'
import { webgpuDevice } from '../helpers/webgpuDevice'

const { missing } = await webgpuDevice('the tests of hidden states on a device')

/** One batch of calibration rows, and two of evaluation rows: of eight, which are evaluated in two parts, and of one. */
const CONTEXT = 80
const ROWS = { calibration: 3, evaluation: 9 }
const BATCH_ROWS = 8
const BLOCKS = 2

/** Experts whose sum is added to what a block gives, others that it goes on with, and a norm with a linear that sees whole batches. */
const FAMILIES: readonly (readonly [family: string, changes: object])[] = [
  ['mixtral', {}],
  ['opt-350m-like', { variants: [{ name: 'v', method: 'exact', rank: 4, quantizer: { format: 'int8' } }] }],
  // Software takes two minutes for it.
  ...(process.env.QUAIL_WEBGPU === 'all' ? [['gemma4_text-experts', {}] as const] : [])
]

const made: string[] = []

function shortRun(family = 'llama', changes: object = {}): TestRun {
  const { model, text } = characterModel(family, CONTEXT)
  made.push(model)
  return makeRun({
    model,
    device: 'webgpu',
    context: CONTEXT,
    calibration: { files: [text], rows: ROWS.calibration },
    evaluation: { files: [text], rows: ROWS.evaluation },
    variants: [{ name: 'v', method: 'exact', rank: 4 }],
    ...changes
  })
}

const linesOf = (file: string): string[] => readFileSync(file, 'utf8').split('\n').filter(Boolean)

/** All that a run found, to the last bit. */
const foundBy = ({ folder, record }: TestRun) => ({
  adapter: createHash('sha256')
    .update(readFileSync(join(record.out, 'v', 'adapter_model.safetensors')))
    .digest('hex'),
  rows: readFileSync(join(folder, 'rows.json'), 'utf8'),
  steps: linesOf(join(folder, 'journal.jsonl')).map((line) => ({ ...JSON.parse(line), durationMs: 0 }))
})

async function completed(run: TestRun): Promise<ReturnType<typeof foundBy>> {
  const { status, error } = finishedOf(await runToEnd(run))
  expect(error).toBeUndefined()
  expect(status).toBe('completed')
  return foundBy(run)
}

/** As if all cards had so much memory. */
const withMemory = (bytes: number): void => {
  vi.spyOn(card as Required<typeof card>, 'memory').mockResolvedValue([bytes])
}

/** What the same run finds with states that travel. */
async function travelling(family: string, changes: object = {}) {
  withMemory(0)
  const bus = watchBus()
  const run = shortRun(family, changes)
  const found = await completed(run)
  vi.restoreAllMocks()
  return { bus, found }
}

/** Compared with by most: it is made once. */
let whole: ReturnType<typeof travelling>

function nothingLies(bus: Bus): void {
  expect(bus.left()).toBeGreaterThan(0)
  expect(bus.lying()).toBe(0)
}

/** Bytes of the states of so many rows. */
const statesOf = (rows: number): number => 4 * rows * CONTEXT * (configOf(made[0] as string).hidden_size as number)

/** Of the linears of a block in float32. */
const blockBytes = (): number =>
  tensorsOf(made[0] as string)
    .filter(({ name }) => name.includes('layers.0.') && name.includes('_proj'))
    .reduce((sum, { shape: [rows = 0, columns = 0] }) => sum + 4 * rows * columns, 0)

/** With states that travel: of every stream before every block, and of those of evaluation rows before the norm. */
const allStates = (): number => BLOCKS * statesOf(ROWS.calibration) + (BLOCKS + 1) * 3 * statesOf(ROWS.evaluation)

afterEach(() => {
  vi.restoreAllMocks()
})

afterAll(() => {
  for (const model of made.splice(0)) rmSync(model, { recursive: true })
})

describe.skipIf(missing !== undefined)('hidden states on a device', () => {
  beforeAll(() => {
    whole = travelling('llama')
    return whole
  })

  it('go there once, and what is found is what it is with states that travel', async () => {
    const expected = await whole
    const bus = watchBus()
    expect(await completed(shortRun())).toEqual(expected.found)
    // Embedded here, for the calibration rows and three streams of evaluation rows; then from block to block.
    expect(carriedOf(bus.up, 'hidden')).toBe(statesOf(ROWS.calibration) + 3 * statesOf(ROWS.evaluation))
    expect(carriedOf(expected.bus.up, 'first') - carriedOf(bus.up, 'first')).toBe(0)
    // Without room for states of its own, a part goes there for each tile of the head, of which there is one.
    expect(carriedOf(expected.bus.up, 'hidden')).toBe(allStates())
    for (const one of [bus, expected.bus]) {
      for (const name of ['normed', 'logits', 'exponentials', 'fullLogits', 'fullExponentials', 'head'])
        expect([name, carriedOf(one.up, name), carriedOf(one.down, name)]).toEqual([name, 0, 0])
      // Adapters are carried for both batches of a stream.
      expect([...one.up.keys()].filter((name) => name.includes('lora_'))).toEqual([])
      nothingLies(one)
    }
  })

  it('stay as far as there is room, and the others travel', async () => {
    const expected = await whole
    const [calibration, batch] = [statesOf(ROWS.calibration), statesOf(BATCH_ROWS)]
    withMemory(3 * blockBytes() + 3 * (calibration + batch + 1))
    const bus = watchBus()
    expect(await completed(shortRun())).toEqual(expected.found)
    // The calibration rows, and the first batch of the first stream of evaluation rows, which the norm takes too.
    expect(allStates() - carriedOf(bus.up, 'hidden')).toBe((BLOCKS - 1) * calibration + BLOCKS * batch)
    nothingLies(bus)
  })

  it.each(FAMILIES)('are the same for %s', async (family, changes) => {
    const expected = await travelling(family, changes)
    const bus = watchBus()
    expect(await completed(shortRun(family, changes))).toEqual(expected.found)
    const [own, all] = [bus, expected.bus].map(({ up }) => carriedOf(up, 'hidden')) as [number, number]
    expect(own).toBeLessThan(all)
    nothingLies(bus)
  })

  it.each([
    ['while rows are calibrated', 'blocks', 1],
    ['while evaluation rows go through a block', 'blocks', 1.9],
    ['while it is evaluated', 'evaluating', 0.1]
  ])('leave nothing there when a run is stopped %s, and it goes on to the same bytes', async (_, phase, least) => {
    const bus = watchBus()
    const run = shortRun()
    const events = await runToEnd(run, (event) => isProgress(event, phase, least))
    expect(finishedOf(events).status).toBe('cancelled')
    nothingLies(bus)
    expect(await completed(run)).toEqual((await whole).found)
    nothingLies(bus)
  })

  it('leave nothing there when the device is lost, and the run goes on to the same bytes', async () => {
    let lost = false
    const bus = watchBus(() => {
      if (lost) throw new Error('Device was lost')
    })
    const run = shortRun()
    for (const [phase, least] of [
      ['blocks', 0.2],
      ['blocks', 1.9],
      ['evaluating', 0.1]
    ] as const) {
      const events = await runToEnd(run, (event) => {
        lost ||= isProgress(event, phase, least)
        return false
      })
      expect(finishedOf(events).error?.code).toBe('DEVICE')
      expect(bus.left()).toBeGreaterThan(0)
      expect(bus.lying(), `${phase} ${least}`).toBe(0)
      lost = false
    }
    expect(await completed(run)).toEqual((await whole).found)
  })
})
