import { afterEach, describe, expect, it, vi } from 'vitest'
import { float32ToBfloat16 } from '../../src/engine/formats/dtypes'
import { DeviceMemory } from '../../src/engine/graph/deviceMemory'
import { DivergenceHead } from '../../src/engine/models/divergenceHead'
import { LabelHead } from '../../src/engine/models/labelHead'
import { PackedUploads } from '../../src/engine/models/packedUploads'
import { readArchitecture } from '../../src/engine/models/registry'
import type { HeadTiles } from '../../src/engine/models/vocabularyHead'
import { seededRandom } from '../../src/engine/numerics/random'
import { uniform } from '../helpers/adaptedBlock'
import { configOf, familyDirectory } from '../helpers/checkpoints'
import { carriedOf, watchBus } from '../helpers/deviceBus'
import { webgpuDevice } from '../helpers/webgpuDevice'

const { missing } = await webgpuDevice('the tests of heads on a device')

const [TILE, TILES, POSITIONS] = [32, 3, 5]
const architecture = readArchitecture(configOf(familyDirectory('gemma2')), 'config.json')
const width = architecture.embeddingSize
/** Values of bfloat16, which lose nothing on their way. */
const bits = float32ToBfloat16(uniform(TILES * TILE * width, 1, 'head'))
const head = new Float32Array(Uint32Array.from(bits, (value) => value * 2 ** 16).buffer)
const [student, teacher] = [uniform(POSITIONS * width, 1, 'student'), uniform(POSITIONS * width, 1, 'teacher')]

/** @param last - of the tiles that can be read */
const tilesUpTo = (last = TILES): HeadTiles => ({
  tiles: () => Array.from({ length: TILES }, (_, i) => [i * TILE, (i + 1) * TILE]),
  readTile: async (begin, end) => {
    if (begin >= last * TILE) throw new Error('it cannot be read')
    const [from, to] = [begin * width, end * width]
    return { weights: head.subarray(from, to), bits: { dtype: 'BF16', data: bits.slice(from, to) } }
  }
})

/** What both heads find. */
async function found(device: 'cpu' | 'webgpu', tiles = tilesUpTo()) {
  const memory = new DeviceMemory(device)
  const uploads = new PackedUploads(memory)
  const divergence = await DivergenceHead.create(architecture, tiles, uploads)
  const labels = await LabelHead.create(architecture, tiles, uploads)
  try {
    const compared = await divergence.compute(student, teacher)
    const alone = await divergence.values(student, teacher)
    return [...[compared.gradient, compared.values, alone], await labels.gradient(student, seededRandom('labels'))]
  } finally {
    await divergence.release()
    await labels.release()
    await uploads.release()
    await memory.release()
  }
}

afterEach(() => vi.restoreAllMocks())

describe.skipIf(missing !== undefined)('heads on a device', () => {
  it('take states once for all tiles, tiles as bits, and give their rows at the end', async () => {
    const expected = await found('cpu')
    const bus = watchBus()
    const own = await found('webgpu')
    for (const [i, values] of own.entries()) {
      // Sums of float32 in another order, of logits up to thirty.
      for (const [at, value] of values.entries())
        expect(Math.abs(value - (expected[i]?.[at] as number))).toBeLessThan(2e-5)
    }
    const names = ['student', 'teacher', 'states', 'head', 'studentRow', 'teacherRow', 'row']
    expect(names.filter((name) => carriedOf(bus.up, name) + carriedOf(bus.down, name) > 0)).toEqual([])
    const states = 4 * POSITIONS * width
    // For the divergence with its gradient and without, and for the labels; with the trial of bfloat16 and its table.
    expect(carriedOf(bus.up, 'words')).toBe(2 * (3 * TILES * TILE * width + 2 ** 16))
    expect(carriedOf(bus.up, 'first')).toBe(5 * states + 4 * 2 ** 16)
    // Sums begin here, as zeros.
    for (const name of ['studentRowBefore', 'teacherRowBefore', 'rowBefore'])
      expect([name, carriedOf(bus.up, name)]).toEqual([name, states])
    expect(carriedOf(bus.down, 'result')).toBe(3 * states + 4 * 2 ** 16)
    expect(bus.lying()).toBe(0)
  })

  it('leave nothing there where a tile cannot be read, or the device is lost', async () => {
    let runs = Number.POSITIVE_INFINITY
    const bus = watchBus(() => {
      if (--runs < 0) throw new Error('Device was lost')
    })
    await expect(found('webgpu', tilesUpTo(2))).rejects.toThrow('it cannot be read')
    expect([bus.left() > 0, bus.lying()]).toEqual([true, 0])
    for (runs = 4; ; runs += 7) {
      const before = runs
      const failure = await found('webgpu').then(
        () => undefined,
        (error: Error) => error.message
      )
      expect(bus.lying()).toBe(0)
      if (failure === undefined) break
      expect(failure).toContain('Device was lost')
      runs = before
    }
  })
})
