import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { valuesOf } from '../../src/engine/base/baseWeight'
import { quantizeLinear } from '../../src/engine/base/quantizeLinear'
import { DeviceMemory } from '../../src/engine/graph/deviceMemory'
import { DeviceTensor } from '../../src/engine/graph/session'
import { PackedUploads } from '../../src/engine/models/packedUploads'
import { refinementNeeds } from '../../src/engine/plan/refinementNeeds'
import { type PreparedRun, specOf } from '../../src/engine/prepare/preparedRun'
import { prepareRun } from '../../src/engine/prepare/prepareRun'
import { keptBytes } from '../../src/engine/quantizers/codeBytes'
import { MemoryBudget } from '../../src/engine/refine/memoryBudget'
import { QuantizedBlocks, roomOfCodes } from '../../src/engine/refine/quantizedBlocks'
import { Recipe } from '../../src/shared/recipe'
import { characterModel } from '../helpers/characterModel'
import { carriedOf, isThere, watchBus, watchGraphs } from '../helpers/deviceBus'
import { exportedBase } from '../helpers/exportedBase'
import { resolveText } from '../helpers/runs'
import { webgpuDevice } from '../helpers/webgpuDevice'

const { missing } = await webgpuDevice('the tests of quantized blocks on a device')

const { model, text } = characterModel('llama')
const folder = mkdtempSync(join(tmpdir(), 'quail-blocks-'))
const storedBase = exportedBase(model)
afterAll(async () => {
  for (const path of [model, folder, await storedBase]) rmSync(path, { recursive: true })
})
afterEach(() => vi.restoreAllMocks())

async function prepare(format: 'nf4' | 'int8', base?: string): Promise<PreparedRun> {
  const variant = { name: 'v', method: 'exact', rank: 4, ...(base === undefined && { quantizer: { format } }) }
  const recipe = Recipe.parse({
    version: 1,
    model,
    ...(base !== undefined && { base }),
    device: 'webgpu',
    calibration: { files: [text], rows: 2 },
    context: 12,
    variants: [variant]
  })
  return prepareRun(recipe, { calibration: [resolveText(text)], evaluation: [] }, folder)
}

/** Q of a block's linears as the processor has it, by name. */
async function onProcessor({ linears, weights, base, ...prepared }: PreparedRun, block: number) {
  const spec = specOf(prepared as PreparedRun, [...prepared.quantizers.keys()][0] as string)
  const found = new Map<string, Float32Array>()
  for (const linear of linears.filter((one) => one.block === block)) {
    const held = await quantizeLinear(base, linear, await weights.readLinear(linear.path, linear), spec)
    found.set(linear.name, valuesOf(linear, held, spec))
  }
  return found
}

/** Does work with the blocks of a base, in memory or in files, and gives back what is left. */
async function walking(
  prepared: PreparedRun,
  inMemory: boolean,
  room: number,
  work: (blocks: QuantizedBlocks, memory: DeviceMemory) => Promise<void>
): Promise<void> {
  const memory = new DeviceMemory('webgpu')
  const uploads = new PackedUploads(memory)
  const spec = specOf(prepared, [...prepared.quantizers.keys()][0] as string)
  const weights = prepared.linears.reduce((sum, { inFeatures, outFeatures }) => sum + inFeatures * outFeatures, 0)
  const budget = new MemoryBudget(inMemory ? keptBytes(spec, 'webgpu') * weights : 0)
  const blocks = await QuantizedBlocks.open(prepared, uploads, spec, { path: join(folder, 'codes'), budget, room })
  expect(readdirSync(folder).includes('codes')).toBe(!inMemory)
  try {
    await work(blocks, memory)
  } finally {
    await blocks.close()
    await uploads.release()
    await memory.release()
    await prepared.release()
  }
}

describe.skipIf(missing !== undefined)('the blocks of a quantized base on a device', () => {
  it.each([
    ['nf4', 'memory'],
    ['nf4', 'a file'],
    ['int8', 'memory'],
    ['int8', 'a file'],
    ['a base', 'memory'],
    ['a base', 'its files']
  ])('are made there of codes, each time, with the bits of the processor: %s, in %s', async (what, where) => {
    const base = what === 'a base' ? await storedBase : undefined
    const prepared = await prepare(what === 'int8' ? 'int8' : 'nf4', base)
    const expected = [await onProcessor(prepared, 0), await onProcessor(prepared, 1)]
    const { left } = watchGraphs()
    await walking(prepared, where === 'memory', 0, async (blocks, memory) => {
      const ofBlock = async (block: 0 | 1) => {
        const { linears } = await blocks.weights(block)
        expect([...linears.keys()]).toEqual([...(expected[block]?.keys() ?? [])])
        for (const [name, Q] of linears) {
          if (!(Q instanceof DeviceTensor)) throw new Error(`${name} is here`)
          expect((await memory.read(Q)).data, name).toEqual(expected[block]?.get(name))
        }
        return linears
      }
      const first = await ofBlock(0)
      await ofBlock(1)
      // Those of the block before are given back, and asked for again they are the same.
      expect([...first.values()].filter((Q) => isThere(Q as DeviceTensor))).toEqual([])
      for (const block of [0, 1] as const) await ofBlock(block) // with the trial
      const bus = watchBus()
      const again = await ofBlock(0)
      const weights = [...again.values()].reduce((sum, Q) => sum + (Q as DeviceTensor).value.size, 0)
      const rows = prepared.linears.reduce((sum, one) => sum + (one.block === 0 ? one.outFeatures : 0), 0)
      expect(carriedOf(bus.up)).toBe(what === 'int8' ? weights + 4 * rows : weights / 2 + (4 * weights) / 64)
      expect((await blocks.weights(0)).linears).toBe(again)
      expect([...again.values()].every((Q) => isThere(Q as DeviceTensor))).toBe(true)
    })
    expect(left.filter(({ tensor }) => isThere(tensor))).toEqual([])
  })

  it.each([
    ['nf4', 'memory'],
    ['nf4', 'a file'],
    ['int8', 'memory'],
    ['a base', 'its files']
  ])('are made of codes that lie there, as far as there is room: %s, beside those in %s', async (what, where) => {
    const base = what === 'a base' ? await storedBase : undefined
    const format = what === 'int8' ? 'int8' : 'nf4'
    const whole = await prepare(format, base)
    const spec = specOf(whole, [...whole.quantizers.keys()][0] as string)
    const all = roomOfCodes(whole, spec, 1e9)
    expect(roomOfCodes(whole, spec, all)).toBe(Math.floor(all / 2))
    await whole.release()
    for (const room of [all, Math.floor(all / 2)]) {
      const prepared = await prepare(format, base)
      const expected = [await onProcessor(prepared, 0), await onProcessor(prepared, 1)]
      const { left } = watchGraphs()
      await walking(prepared, where === 'memory', room, async (blocks, memory) => {
        for (const block of [0, 1, 0, 1]) await blocks.weights(block) // quantized, then carried there
        const bus = watchBus()
        let read = 0
        for (const block of [1, 0, 1, 0] as const) {
          const { linears } = await blocks.weights(block)
          for (const [name, Q] of linears) {
            const found = (await memory.read(Q as DeviceTensor)).data
            read += found.byteLength
            expect(found, `${block} ${name}`).toEqual(expected[block]?.get(name))
          }
        }
        // Twice all of them travel where none lies there.
        if (room === all) expect(carriedOf(bus.up)).toBe(0)
        else expect(carriedOf(bus.up)).toBeGreaterThan(0)
        expect(carriedOf(bus.up)).toBeLessThanOrEqual(2 * (all - room))
        expect(carriedOf(bus.down)).toBe(read)
        vi.restoreAllMocks()
      })
      expect(left.length).toBeGreaterThan(0)
      expect(left.filter(({ tensor }) => isThere(tensor))).toEqual([])
    }
  })

  it('are planned with the memory of codes in the place of float32', async () => {
    const prepared = await prepare('nf4')
    const [variant] = prepared.variants as [PreparedRun['variants'][number]]
    const refine = { steps: 4, batch: 2, learningRate: 0.01, checkEvery: 2 }
    const variants = [{ ...variant, spec: { ...variant.spec, refine } }]
    const memoryOn = (device: 'cpu' | 'webgpu') =>
      refinementNeeds({ ...prepared, variants, recipe: { ...prepared.recipe, device } } as PreparedRun, 1e9).memory
    const weights = prepared.linears.reduce((sum, { inFeatures, outFeatures }) => sum + inFeatures * outFeatures, 0)
    expect(memoryOn('cpu') - memoryOn('webgpu')).toBe((4 - 1 / 2 - 4 / 64) * weights)
    await prepared.release()
  })

  it.each([
    ['of codes that travel', 0, [0, 1, 0, 1], 0],
    ['while codes are carried there to stay', 1e9, [0, 1, 0], 1]
  ] as const)('leave nothing there where the device is lost in the middle of one %s', async (_, room, before, next) => {
    const prepared = await prepare('nf4')
    const left: DeviceTensor[] = []
    await walking(prepared, true, room, async (blocks, memory) => {
      for (const block of before) await blocks.weights(block) // with the trials
      const { compute } = DeviceMemory.prototype
      let calls = 0
      vi.spyOn(memory, 'compute').mockImplementation(async (graph, feeds) => {
        if (++calls > 4) throw new Error('Device was lost')
        const made = await compute.call(memory, graph, feeds)
        left.push(...Object.values(made.there))
        return made
      })
      await expect(blocks.weights(next)).rejects.toThrow('Device was lost')
      expect(left.length).toBe(4)
      // Of the second linear the codes were there, and not yet their scales.
      expect(left.filter(isThere).length).toBe(room === 0 ? 0 : 2)
    })
    expect(left.filter(isThere)).toEqual([])
  })
})
