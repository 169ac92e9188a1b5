import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { DeviceTensor } from '../../../../src/engine/graph/session'
import { hiddenBytes, type RowRange } from '../../../../src/engine/prepare/streamShapes'
import { HiddenStates } from '../../../../src/engine/run/hiddenStates'
import { sweepSpool } from '../../../../src/engine/run/streams'
import { gaussian } from '../../../helpers/matrices'

const root = mkdtempSync(join(tmpdir(), 'quail-spool-'))
afterAll(() => rmSync(root, { recursive: true }))
const newFolder = () => mkdtempSync(join(root, 'run-'))

// Five rows in batches of two: the last one is alone.
const ranges: readonly RowRange[] = [
  [0, 2],
  [2, 4],
  [4, 5]
]
const shape = { stream: 'calibration', rows: 5, context: 3, width: 4, ranges }
const KINDS = [
  ['in memory', true],
  ['on the disk', false]
] as const

const batchesOf = (states: HiddenStates, label: string): Float32Array[] =>
  Array.from({ length: states.batches }, (_, batch) => {
    const [begin, end] = states.rowsOf(batch)
    const next = gaussian(label, batch)
    return Float32Array.from({ length: (end - begin) * 12 }, next)
  })

async function writeGeneration(states: HiddenStates, generation: number, batches: readonly Float32Array[]) {
  await states.begin(generation)
  for (const [batch, values] of batches.entries()) await states.write(batch, values)
  return states.finish()
}

const readAll = async (states: HiddenStates): Promise<Float32Array[]> => {
  const found: Float32Array[] = []
  for (let batch = 0; batch < states.batches; batch++) found.push(Float32Array.from(await states.read(batch)))
  return found
}

describe.each(KINDS)('hidden states %s', (_, inMemory) => {
  it('come back batch by batch, the last one shorter', async () => {
    const states = new HiddenStates(newFolder(), shape, inMemory)
    expect(states.batches).toBe(ranges.length)
    const batches = batchesOf(states, 'first')
    const entry = await writeGeneration(states, 0, batches)
    expect(await readAll(states)).toEqual(batches)
    expect(entry).toMatchObject({ stream: 'calibration', bytes: hiddenBytes(shape) })
  })

  it('are replaced batch by batch while those before are still read', async () => {
    const folder = newFolder()
    const states = new HiddenStates(folder, shape, inMemory)
    const [first, second] = [batchesOf(states, 'first'), batchesOf(states, 'second')]
    const before = await writeGeneration(states, 0, first)
    await states.begin(1)
    for (const [batch, values] of second.entries()) {
      expect(Float32Array.from(await states.read(batch))).toEqual(first[batch])
      await states.write(batch, values)
    }
    await states.finish()
    expect(await readAll(states)).toEqual(second)
    expect(existsSync(join(folder, before.file))).toBe(true) // until the journal says that it is not needed
    await states.dropPrevious()
    expect(existsSync(join(folder, before.file))).toBe(false)
    expect(await readAll(states)).toEqual(second)
  })

  it('are taken up by another process', async () => {
    const folder = newFolder()
    const written = new HiddenStates(folder, shape, !inMemory)
    const batches = batchesOf(written, 'first')
    const entry = await writeGeneration(written, 3, batches)
    const states = new HiddenStates(folder, shape, inMemory)
    expect(await states.restore(entry)).toBe(true)
    expect(await readAll(states)).toEqual(batches)
  })

  it('are not taken up when they are damaged, short, gone, or of another size', async () => {
    const folder = newFolder()
    const states = new HiddenStates(folder, shape, inMemory)
    const entry = await writeGeneration(states, 0, batchesOf(states, 'first'))
    const path = join(folder, entry.file)
    const whole = readFileSync(path)
    const restored = () => new HiddenStates(folder, shape, inMemory).restore(entry)
    writeFileSync(
      path,
      whole.map((byte, i) => (i === 100 ? byte ^ 1 : byte))
    )
    expect(await restored()).toBe(false)
    writeFileSync(path, whole.subarray(0, -4))
    expect(await restored()).toBe(false)
    rmSync(path)
    expect(await restored()).toBe(false)
    writeFileSync(path, whole)
    expect(await restored()).toBe(true)
    expect(await new HiddenStates(folder, { ...shape, rows: 4 }, inMemory).restore(entry)).toBe(false)
  })
})

/** A tensor on a device, as the library tells of it, that says whether it was given back. */
function lyingTensor() {
  const value = { location: 'gpu-buffer', dispose: () => Object.assign(value, { location: 'none' }) }
  return new DeviceTensor(value as never)
}

const lies = ({ value }: DeviceTensor): boolean => value.location === 'gpu-buffer'

describe('hidden states on a device', () => {
  const [first] = ranges.map(([begin, end]) => 4 * (end - begin) * shape.context * shape.width) as [number]

  /** Two batches of three lie there. */
  async function lyingStates(inMemory = true) {
    const states = new HiddenStates(newFolder(), shape, inMemory, 2 * first + first / 4)
    const batches = batchesOf(states, 'there')
    const there = [lyingTensor(), lyingTensor(), undefined]
    await states.begin(0)
    for (const [batch, values] of batches.entries()) await states.write(batch, values, there[batch])
    const entry = await states.finish()
    return { states, batches, there: there.slice(0, 2) as DeviceTensor[], entry }
  }

  it('have room for the first batches, whole ones', async () => {
    const { states } = await lyingStates()
    expect([0, 1, 2].map((batch) => states.stays(batch))).toEqual([true, true, false])
    expect(states.deviceBytes).toBe(2 * first)
    expect(new HiddenStates(newFolder(), shape, true, 10 * first).deviceBytes).toBe(hiddenBytes(shape))
    expect(new HiddenStates(newFolder(), shape, true).stays(0)).toBe(false)
  })

  it.each(KINDS)('are what blocks take, and are here as well, %s', async (_, inMemory) => {
    const { states, batches, there } = await lyingStates(inMemory)
    expect([await states.feed(0), await states.feed(1)]).toEqual(there)
    expect(await states.feed(2)).toEqual(batches[2])
    expect(await readAll(states)).toEqual(batches)
    states.leaveDevice()
    expect(there.some(lies)).toBe(false)
    expect(await states.feed(0)).toEqual(batches[0])
  })

  it('make room for the next ones, whether these lie there or not', async () => {
    const { states, there } = await lyingStates()
    const next = batchesOf(states, 'next')
    const stays = lyingTensor()
    await states.begin(1)
    await states.write(0, next[0] as Float32Array, stays)
    expect(there.map(lies)).toEqual([false, true])
    await states.write(1, next[1] as Float32Array)
    expect(there.map(lies)).toEqual([false, false])
    expect(await states.feed(0)).toBe(stays)
    expect(await states.feed(1)).toEqual(next[1])
    await states.abandon()
    expect(lies(stays)).toBe(false)
  })

  it('are those of no other generation when one is given up, or another process left them', async () => {
    const { states, batches, there, entry } = await lyingStates()
    const next = lyingTensor()
    await states.begin(1)
    await states.write(0, batchesOf(states, 'next')[0] as Float32Array, next)
    await states.revert()
    expect([next, ...there].some(lies)).toBe(false)
    for (const [batch, values] of batches.entries()) expect(await states.feed(batch)).toEqual(values)
    const again = lyingTensor()
    await states.begin(1)
    await states.write(0, batches[0] as Float32Array, again)
    await states.abandon()
    expect(lies(again)).toBe(false)
    expect(await states.restore(entry)).toBe(true)
    expect(await states.feed(0)).toEqual(batches[0])
  })

  it('are owned by the stream also where they cannot be written', async () => {
    const states = new HiddenStates(newFolder(), shape, true, first)
    const lost = lyingTensor()
    await expect(states.write(0, new Float32Array(24), lost)).rejects.toThrow('before begin')
    await states.abandon()
    expect(lies(lost)).toBe(false)
  })
})

describe('hidden states', () => {
  it('have the same bytes in memory and on the disk', async () => {
    const [memory, disk] = KINDS.map(([, inMemory]) => new HiddenStates(newFolder(), shape, inMemory))
    const batches = batchesOf(memory as HiddenStates, 'same')
    const entries = [
      await writeGeneration(memory as HiddenStates, 0, batches),
      await writeGeneration(disk as HiddenStates, 0, batches)
    ]
    expect(entries[1]).toEqual(entries[0])
  })

  it('are never made up when their file has become shorter', async () => {
    const folder = newFolder()
    const states = new HiddenStates(folder, shape, false)
    const { file } = await writeGeneration(states, 0, batchesOf(states, 'first'))
    truncateSync(join(folder, file), 150)
    await expect(states.read(1)).rejects.toMatchObject({ code: 'IO', message: expect.stringContaining(file) })
  })

  it.runIf(existsSync('/dev/full'))('are written behind: what goes wrong is told later, and never lost', async () => {
    const folder = newFolder()
    const states = new HiddenStates(folder, shape, false)
    const [first, second] = batchesOf(states, 'first') as [Float32Array, Float32Array]
    const full = { code: 'IO', message: expect.stringContaining('calibration.1.bin') }
    symlinkSync('/dev/full', join(folder, 'calibration.1.bin'))
    await states.begin(1)
    await states.write(0, first)
    await expect(states.write(1, second)).rejects.toMatchObject(full)
    await expect(states.finish()).rejects.toMatchObject(full)
    await states.abandon()
    await states.begin(1)
    await states.write(0, first)
    await expect(states.finish()).rejects.toMatchObject(full)
    await states.abandon()
  })

  it('that no finished block names are swept away', async () => {
    const folder = newFolder()
    const states = new HiddenStates(folder, shape, false)
    const entry = await writeGeneration(states, 0, batchesOf(states, 'first'))
    await states.begin(1)
    await states.write(0, batchesOf(states, 'second')[0] as Float32Array)
    await states.abandon()
    expect(existsSync(join(folder, 'calibration.1.bin'))).toBe(true)
    writeFileSync(join(folder, 'another.1.bin'), '')
    await sweepSpool(folder, [states], [entry])
    expect(existsSync(join(folder, 'another.1.bin'))).toBe(true)
    expect(existsSync(join(folder, 'calibration.1.bin'))).toBe(false)
    expect(existsSync(join(folder, entry.file))).toBe(true)
  })
})
