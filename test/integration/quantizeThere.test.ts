import { afterEach, describe, expect, it, vi } from 'vitest'
import { DeviceMemory } from '../../src/engine/graph/deviceMemory'
import { type DeviceTensor, giveBack } from '../../src/engine/graph/session'
import { difference } from '../../src/engine/numerics/accumulate'
import type { Matrix32 } from '../../src/engine/numerics/matrix'
import { seededRandom } from '../../src/engine/numerics/random'
import { quantizerFor } from '../../src/engine/quantizers/registry'
import { QuantizerSpec } from '../../src/shared/recipe'
import { isThere, watchGraphs } from '../helpers/deviceBus'
import { webgpuDevice } from '../helpers/webgpuDevice'

const { missing } = await webgpuDevice('the tests of quantization on a device')

/** Weights as models have them, a quarter rounded to bfloat16's grid, with rows of zeros and of large values. */
function weightOf(rows: number, cols: number): Matrix32 {
  const random = seededRandom('weight', rows, cols)
  const data = new Float32Array(rows * cols)
  for (let i = 0; i < data.length; i++) {
    const row = Math.floor(i / cols)
    const value = (random() + random() + random() - 1.5) * (row % 7 === 3 ? 40 : 0.05)
    data[i] = row % 5 === 4 ? 0 : row % 4 === 0 ? Math.round(value * 256) / 256 : value
  }
  return { data, rows, cols }
}

const specOf = (spec: object) => QuantizerSpec.parse(spec)
const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => Buffer.from(buffer, byteOffset, byteLength)

async function onDevice<T>(work: (memory: DeviceMemory) => Promise<T>): Promise<T> {
  const memory = new DeviceMemory('webgpu')
  try {
    return await work(memory)
  } finally {
    await memory.release()
  }
}

const quantizedThere = (W: Matrix32, spec: QuantizerSpec) =>
  onDevice((memory) => quantizerFor(spec).quantizeThere?.(memory, W, spec) ?? Promise.resolve(undefined))

afterEach(() => vi.restoreAllMocks())

describe.skipIf(missing !== undefined)('quantization on a device', () => {
  const formats = ['nf4', 'fp4'] as const
  const cases = formats.flatMap((format) => [
    { spec: specOf({ format }), shape: [48, 128] },
    { spec: specOf({ format, blockSize: 32, doubleQuantization: false }), shape: [7, 96] },
    { spec: specOf({ format, blockSize: 64, doubleQuantization: true }), shape: [130, 320] },
    // Blocks that go over the ends of rows.
    { spec: specOf({ format, blockSize: 256, doubleQuantization: false }), shape: [64, 72] },
    { spec: specOf({ format, blockSize: 4096, doubleQuantization: true }), shape: [64, 128] }
  ])
  it.each(cases)('gives the bits of the processor: $spec.format, $spec.blockSize, $shape', async ({ spec, shape }) => {
    const W = weightOf(shape[0] as number, shape[1] as number)
    const quantizer = quantizerFor(spec)
    const expected = quantizer.quantize(W.data, spec, W.cols)
    const Q = quantizer.dequantize(expected, W.data.length, spec)
    await onDevice(async (memory) => {
      const found = await quantizer.quantizeThere?.(memory, W, spec)
      if (found === undefined) throw new Error('it was left to the processor')
      expect(found.quantized).toEqual(expected)
      for (const [name, values] of Object.entries({ Q, E: difference(W.data, Q) })) {
        const { data, shape: read } = await memory.read(found[name as 'Q' | 'E'])
        expect(read).toEqual([W.rows, W.cols])
        expect(Buffer.compare(bytesOf(data), bytesOf(values)), name).toBe(0)
      }
      giveBack([found.Q, found.E])
    })
  })

  // Rows of whole vectors and others, which together fill whole words; weights half way between two float16 and two codes.
  it.each([
    [48, 128],
    [8, 33],
    [40, 31],
    [4, 1000]
  ])('gives the bits of the processor: int8, [%i, %i]', async (rows, cols) => {
    const spec = specOf({ format: 'int8' })
    const quantizer = quantizerFor(spec)
    const W = weightOf(rows, cols)
    for (let i = 3; i < W.data.length; i += 11) W.data[i] = (1 + ((i % 1024) + 0.5) / 1024) * 2 ** -(i % 23)
    W.data.set([-(2 - 2 ** -10), 1 - 2 ** -11, 65504 / 2 ** 20, 2 ** -25, 3 * 2 ** -25, -(2 ** -26)])
    const expected = quantizer.quantize(W.data, spec, cols)
    const Q = quantizer.dequantize(expected, W.data.length, spec)
    const { left } = watchGraphs()
    for (const limit of [2 ** 28, 4 * Math.ceil(rows / 2) * cols]) {
      vi.spyOn(DeviceMemory.prototype, 'tensorLimit', 'get').mockReturnValue(limit)
      await onDevice(async (memory) => {
        const found = await quantizer.quantizeThere?.(memory, W, spec)
        if (found === undefined) throw new Error('it was left to the processor')
        expect(found.quantized).toEqual(expected)
        expect(Buffer.compare(bytesOf((await memory.read(found.Q)).data), bytesOf(Q))).toBe(0)
        expect(Buffer.compare(bytesOf((await memory.read(found.E)).data), bytesOf(difference(W.data, Q)))).toBe(0)
        giveBack([found.Q, found.E])
      })
    }
    expect(left.filter(({ tensor }) => isThere(tensor))).toEqual([])
  })

  it('leaves to the processor what float16 does not hold, and codes that do not fill whole words', async () => {
    const spec = specOf({ format: 'int8' })
    const W = weightOf(16, 64)
    for (const value of [65519, 65520, Number.NaN]) {
      W.data[70] = value
      const found = await quantizedThere(W, spec)
      // What is rounded to the largest float16 is held.
      if (value === 65519) expect(found?.quantized).toEqual(quantizerFor(spec).quantize(W.data, spec, 64))
      else expect(found, `${value}`).toBeUndefined()
    }
    expect(await quantizedThere(weightOf(3, 33), spec)).toBeUndefined()
  })

  // Rows of 320 and of 72; of these, blocks of 256 part after every 32nd, and so do the halves of the bytes.
  it.each([
    { spec: specOf({ format: 'nf4' }), shape: [130, 320], limit: 25 * 320 * 4 },
    { spec: specOf({ format: 'fp4', blockSize: 256, doubleQuantization: false }), shape: [96, 72], limit: 60 * 72 * 4 }
  ])('gives them by rows where a weight is larger than a tensor: $spec.format, $shape', async (one) => {
    const [rows = 0, cols = 0] = one.shape
    const W = weightOf(rows, cols)
    const quantizer = quantizerFor(one.spec)
    const expected = quantizer.quantize(W.data, one.spec, cols)
    const Q = quantizer.dequantize(expected, W.data.length, one.spec)
    vi.spyOn(DeviceMemory.prototype, 'tensorLimit', 'get').mockReturnValue(one.limit)
    const { computed, left } = watchGraphs()
    await onDevice(async (memory) => {
      const found = await quantizer.quantizeThere?.(memory, W, one.spec)
      if (found === undefined) throw new Error('it was left to the processor')
      expect(found.quantized).toEqual(expected)
      for (const [name, values] of Object.entries({ Q, E: difference(W.data, Q) })) {
        const there = found[name as 'Q' | 'E']
        expect(there.value.dims).toEqual(one.shape)
        expect(Buffer.compare(bytesOf((await memory.read(there)).data), bytesOf(values)), name).toBe(0)
      }
      giveBack([found.Q, found.E])
    })
    expect(computed.filter(({ graph }) => graph === 'rows').length).toBeGreaterThanOrEqual(6)
    expect(left.filter(({ tensor }) => isThere(tensor))).toEqual([])
  })

  it('leaves to the processor a weight of which not even whole blocks fit into a tensor', async () => {
    vi.spyOn(DeviceMemory.prototype, 'tensorLimit', 'get').mockReturnValue(31 * 72 * 4)
    const spec = specOf({ format: 'nf4', blockSize: 256, doubleQuantization: false })
    expect(await quantizedThere(weightOf(96, 72), spec)).toBeUndefined()
  })

  it('leaves nothing there where the device is lost between the rows of a weight', async () => {
    const spec = specOf({ format: 'nf4' })
    const W = weightOf(40, 64)
    await onDevice(async (memory) => {
      const found = await quantizerFor(spec).quantizeThere?.(memory, W, spec) // with the trial
      giveBack([found?.Q, found?.E])
      vi.spyOn(DeviceMemory.prototype, 'tensorLimit', 'get').mockReturnValue(8 * 64 * 4)
      for (const [lost, after] of [
        ['codes ', 2],
        ['rows', 7],
        ['stack ', 1]
      ] as const) {
        const { compute } = DeviceMemory.prototype
        const left: DeviceTensor[] = []
        let calls = 0
        const spy = vi.spyOn(memory, 'compute').mockImplementation(async (graph, feeds) => {
          if (graph.name.startsWith(lost) && ++calls > after) throw new Error('Device was lost')
          const made = await compute.call(memory, graph, feeds)
          left.push(...Object.values(made.there))
          return made
        })
        await expect(quantizerFor(spec).quantizeThere?.(memory, W, spec)).rejects.toThrow('Device was lost')
        spy.mockRestore()
        expect(left.length, lost).toBeGreaterThan(4)
        expect(left.filter(isThere), lost).toEqual([])
      }
    })
  })

  it('takes a weight from where it lies, and leaves it there', async () => {
    const spec = specOf({ format: 'nf4' })
    const W = weightOf(16, 64)
    await onDevice(async (memory) => {
      await quantizerFor(spec).quantizeThere?.(memory, W, spec) // with the trial
      const lies = (await memory.upload({ data: W.data, shape: [W.rows, W.cols] })) as DeviceTensor
      const upload = vi.spyOn(memory, 'upload')
      const found = await quantizerFor(spec).quantizeThere?.(memory, W, spec, lies)
      expect(found?.quantized).toEqual(quantizerFor(spec).quantize(W.data, spec, W.cols))
      expect(upload).not.toHaveBeenCalled()
      expect(lies.value.location).toBe('gpu-buffer')
      giveBack([lies, found?.Q, found?.E])
    })
  })

  it('leaves to the processor what a shader would not compute alike', async () => {
    const spec = specOf({ format: 'fp4' })
    const withValue = (value: number): Matrix32 => {
      const W = weightOf(16, 64)
      W.data[70] = value
      return W
    }
    expect(await quantizedThere(weightOf(3, 40), spec), 'a partial block').toBeUndefined()
    for (const value of [1e-40, -1e-30, 3e9, Number.NaN, Number.POSITIVE_INFINITY])
      expect(await quantizedThere(withValue(value), spec), `${value}`).toBeUndefined()
    expect(await quantizedThere(withValue(1e-20), spec)).toBeDefined()
  })

  it.each(['nf4', 'int8'])(
    'leaves it to the processor where a device is found to compute otherwise: %s',
    async (format) => {
      const spec = specOf({ format })
      const W = weightOf(16, 64)
      const uploaded: DeviceTensor[] = []
      const { compute } = DeviceMemory.prototype
      vi.spyOn(DeviceMemory.prototype, 'compute').mockImplementation(async function (this: DeviceMemory, graph, feeds) {
        const { here, there } = await compute.call(this, graph, feeds)
        uploaded.push(...Object.values(there))
        const words = here.packed
        // As if one comparison with a threshold went the other way.
        if (words !== undefined) words.data[0] = (words.data[0] as number) ^ 1
        return { here, there }
      })
      expect(await quantizedThere(W, spec)).toBeUndefined()
      expect(uploaded.length).toBeGreaterThan(0)
      expect(uploaded.filter(({ value }) => value.location === 'gpu-buffer')).toEqual([])
    }
  )
})
