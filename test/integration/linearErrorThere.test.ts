import { InferenceSession } from 'onnxruntime-node'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type BaseWeight, errorOf, valuesOf } from '../../src/engine/base/baseWeight'
import { linearError } from '../../src/engine/base/linearError'
import { quantizeWeight } from '../../src/engine/base/quantizeLinear'
import { DeviceMemory, ROWS } from '../../src/engine/graph/deviceMemory'
import { stackGraph } from '../../src/engine/graph/deviceRows'
import { LinearAlgebra } from '../../src/engine/graph/linearAlgebra'
import { DeviceTensor, giveBack } from '../../src/engine/graph/session'
import { LayerProblem } from '../../src/engine/methods/layerProblem'
import { SecondMoment } from '../../src/engine/methods/secondMoment'
import { toFloat32 } from '../../src/engine/numerics/matrix'
import { seededRandom } from '../../src/engine/numerics/random'
import { ERROR_GRAPH, valuesGraph } from '../../src/engine/quantizers/codeGraphs'
import type { QuantizedWeight } from '../../src/engine/quantizers/quantizer'
import { errorHistogram } from '../../src/engine/solve/layerDetails'
import { QuantizerSpec } from '../../src/shared/recipe'
import { carriedOf, isThere, watchBus, watchGraphs } from '../helpers/deviceBus'
import { gaussianMatrix, matrixOf } from '../helpers/matrices'
import { webgpuDevice } from '../helpers/webgpuDevice'

const { missing } = await webgpuDevice('the tests of codes on a device')

const specOf = (spec: object) => QuantizerSpec.parse(spec)

/** A linear with its weight, of which every seventh row is zero. */
function weightOf(outFeatures: number, inFeatures: number) {
  const random = seededRandom('stored', outFeatures, inFeatures)
  const weight = Float32Array.from({ length: outFeatures * inFeatures }, (_, i) =>
    Math.floor(i / inFeatures) % 7 === 3 ? 0 : 0.05 * (random() + random() - 1)
  )
  return { linear: { path: 'some.linear', outFeatures, inFeatures }, weight } as Parameters<typeof linearError>[1]
}

type Weight = ReturnType<typeof weightOf>

/** What a pre-quantized base would have of it: with other codes than its own, so that nobody could quantize to them. */
function storedOf({ linear, weight }: Weight, spec: QuantizerSpec): BaseWeight & { readonly held: QuantizedWeight } {
  const stored = quantizeWeight(linear, weight, spec)
  const held = stored.held as QuantizedWeight
  return { ...stored, held: { ...held, packed: held.packed.map((byte, i) => (i % 5 === 0 ? byte ^ 0x1f : byte)) } }
}

function expected({ linear, weight }: Weight, base: BaseWeight, spec: QuantizerSpec) {
  const Q = valuesOf(linear, base, spec)
  return { Q, E: errorOf(linear, weight, Q).data }
}

/** The values of E that lies on the device of the work at hand. */
function watchErrors() {
  const there: DeviceTensor[] = []
  const { adopt } = LinearAlgebra.prototype
  vi.spyOn(LinearAlgebra.prototype, 'adopt').mockImplementation(function (this: LinearAlgebra, matrix, lies) {
    there.push(lies)
    return adopt.call(this, matrix, lies)
  })
  return async (memory: DeviceMemory) => (await memory.read(there.pop() as DeviceTensor)).data
}

async function onDevice<T>(work: (algebra: LinearAlgebra, memory: DeviceMemory) => Promise<T>): Promise<T> {
  const algebra = new LinearAlgebra('webgpu')
  try {
    return await algebra.holding(() => work(algebra, algebra.held as DeviceMemory))
  } finally {
    await algebra.release()
  }
}

const sameBytes = (a: ArrayBufferView, b: ArrayBufferView): boolean =>
  Buffer.compare(...([a, b].map((x) => Buffer.from(x.buffer, x.byteOffset, x.byteLength)) as [Buffer, Buffer])) === 0

afterEach(() => vi.restoreAllMocks())

describe.skipIf(missing !== undefined)('the codes of a pre-quantized base on a device', () => {
  const cases = (['nf4', 'fp4'] as const).flatMap((format) => [
    { spec: specOf({ format }), shape: [48, 128] },
    { spec: specOf({ format, blockSize: 32, doubleQuantization: false }), shape: [7, 96] },
    // Blocks that go over the ends of rows.
    { spec: specOf({ format, blockSize: 256, doubleQuantization: false }), shape: [64, 72] },
    { spec: specOf({ format, blockSize: 4096 }), shape: [64, 128] }
  ])
  it.each(cases)('give Q and E the bits of the processor: $spec.format, $spec.blockSize, $shape', async (one) => {
    const own = weightOf(one.shape[0] as number, one.shape[1] as number)
    const base = storedOf(own, one.spec)
    const { Q, E } = expected(own, base, one.spec)
    const { left } = watchGraphs()
    const errorThere = watchErrors()
    await onDevice(async (algebra, memory) => {
      const found = await linearError(algebra, own, one.spec, base)
      if (!(found.Q instanceof DeviceTensor)) throw new Error('it was left to the processor')
      const { data, shape } = await memory.read(found.Q)
      expect(shape).toEqual(one.shape)
      expect(sameBytes(data, Q)).toBe(true)
      for (const values of [found.E.data, await errorThere(memory)]) expect(sameBytes(values, E)).toBe(true)
      expect(found.fingerprint).toEqual(base.fingerprint)
      giveBack([found.Q])
    })
    // E is given back with the work that held it.
    expect(left.filter(({ tensor }) => isThere(tensor))).toEqual([])
  })

  it('go over the bus at half a byte for each weight that lies there, with a scale for each block', async () => {
    const spec = specOf({ format: 'nf4' })
    const own = weightOf(64, 256)
    const base = storedOf(own, spec)
    await onDevice(async (algebra, memory) => {
      giveBack([(await linearError(algebra, own, spec, base)).Q]) // with the trial
      const lies = (await memory.upload({ data: own.weight, shape: [64, 256] })) as DeviceTensor
      const bus = watchBus()
      const { Q } = await linearError(algebra, { ...own, lies }, spec, base)
      const weights = 64 * 256
      expect(carriedOf(bus.up)).toBe(weights / 2 + (4 * weights) / 64)
      expect(carriedOf(bus.down)).toBe(0)
      expect(isThere(lies)).toBe(true)
      giveBack([lies, Q])
    })
  })

  it.each([
    ['nf4', [130, 320], 25 * 320 * 4],
    ['int8', [37, 36], 10 * 36 * 4]
  ] as const)('are taken by rows where Q is larger than a tensor: %s', async (format, shape, limit) => {
    const spec = specOf({ format })
    const own = weightOf(shape[0], shape[1])
    const base = storedOf(own, spec)
    const { Q, E } = expected(own, base, spec)
    vi.spyOn(DeviceMemory.prototype, 'tensorLimit', 'get').mockReturnValue(limit)
    const { computed, left } = watchGraphs()
    const errorThere = watchErrors()
    await onDevice(async (algebra, memory) => {
      const found = await linearError(algebra, own, spec, base)
      if (!(found.Q instanceof DeviceTensor)) throw new Error('it was left to the processor')
      expect(sameBytes((await memory.read(found.Q)).data, Q)).toBe(true)
      for (const values of [found.E.data, await errorThere(memory)]) expect(sameBytes(values, E)).toBe(true)
      giveBack([found.Q])
    })
    expect(computed.some(({ graph }) => graph.startsWith('stack '))).toBe(true)
    expect(left.filter(({ tensor }) => isThere(tensor))).toEqual([])
  })

  it('begin between two words of what was read', async () => {
    const spec = specOf({ format: 'nf4' })
    const own = weightOf(16, 64)
    const { held, fingerprint } = storedOf(own, spec)
    const packed = new Uint8Array(held.packed.length + 1).subarray(1)
    packed.set(held.packed)
    const { E } = expected(own, { held, fingerprint }, spec)
    const errorThere = watchErrors()
    await onDevice(async (algebra, memory) => {
      const found = await linearError(algebra, own, spec, { held: { ...held, packed }, fingerprint })
      expect(found.Q).toBeInstanceOf(DeviceTensor)
      for (const values of [found.E.data, await errorThere(memory)]) expect(sameBytes(values, E)).toBe(true)
      giveBack([found.Q])
    })
  })

  it('are left to the processor where a shader might compute otherwise', async () => {
    const spec = specOf({ format: 'nf4', doubleQuantization: false })
    const plain = weightOf(16, 64)
    const withScale = (value: number): [Weight, BaseWeight] => {
      const base = storedOf(plain, spec)
      return [plain, { ...base, held: { ...base.held, absmax: base.held.absmax.with(3, value) } }]
    }
    const withWeight = (value: number): [Weight, BaseWeight] => [
      { ...plain, weight: plain.weight.with(70, value) },
      storedOf(plain, spec)
    ]
    const partial = weightOf(3, 40)
    const kept: BaseWeight = { held: plain.weight, fingerprint: storedOf(plain, spec).fingerprint }
    const cases: [Weight, BaseWeight][] = [
      [partial, storedOf(partial, spec)],
      ...[1e-40, 3e9, Number.POSITIVE_INFINITY].map(withScale),
      ...[-1e-30, 2e8].map(withWeight),
      [plain, kept]
    ]
    const { left } = watchGraphs()
    for (const [own, base] of cases) {
      await onDevice(async (algebra) => {
        const { Q, E } = await linearError(algebra, own, spec, base)
        expect(Q).toEqual(expected(own, base, spec).Q)
        expect(E.data).toEqual(expected(own, base, spec).E)
      })
    }
    expect(left.filter(({ tensor }) => isThere(tensor))).toEqual([])
  })

  it.each(['values ', 'error'])('are left to the processor where a device errs: %s', async (graphs) => {
    const spec = specOf({ format: 'fp4' })
    const own = weightOf(16, 64)
    const base = storedOf(own, spec)
    const left: DeviceTensor[] = []
    const { compute } = DeviceMemory.prototype
    vi.spyOn(DeviceMemory.prototype, 'compute').mockImplementation(async function (this: DeviceMemory, graph, feeds) {
      const made = await compute.call(this, graph, feeds)
      left.push(...Object.values(made.there))
      if (!graph.name.startsWith(graphs)) return made
      // As if one value were the next but one float32.
      const [[name, tensor]] = Object.entries(made.there) as [[string, DeviceTensor]]
      const read = await this.read(tensor)
      new Int32Array(read.data.buffer)[5] = (new Int32Array(read.data.buffer)[5] as number) ^ 2
      tensor.giveBack()
      return { ...made, there: { [name]: (await this.upload(read)) as DeviceTensor } }
    })
    await onDevice(async (algebra) => {
      const { Q } = await linearError(algebra, own, spec, base)
      expect(Q).toEqual(expected(own, base, spec).Q)
    })
    expect(left.length).toBeGreaterThan(0)
    expect(left.filter(isThere)).toEqual([])
  })

  it('leave nothing there where the device is lost between Q and E', async () => {
    const spec = specOf({ format: 'nf4' })
    const own = weightOf(16, 64)
    const base = storedOf(own, spec)
    await onDevice(async (algebra, memory) => {
      giveBack([(await linearError(algebra, own, spec, base)).Q])
      const left: DeviceTensor[] = []
      const { compute } = DeviceMemory.prototype
      vi.spyOn(memory, 'compute').mockImplementation(async (graph, feeds) => {
        if (graph.name === 'error') throw new Error('Device was lost')
        const made = await compute.call(memory, graph, feeds)
        left.push(...Object.values(made.there))
        return made
      })
      await expect(linearError(algebra, own, spec, base)).rejects.toThrow('Device was lost')
      expect(left.length).toBe(1)
      expect(left.filter(isThere)).toEqual([])
    })
  })

  it('are computed by the device alone', async () => {
    const values = Float32Array.from({ length: 512 }, (_, i) => i)
    const graphs = [valuesGraph({ name: 'some', values }, { group: 64, cols: 128 }), ERROR_GRAPH, ROWS, stackGraph(3)]
    for (const { build } of graphs) {
      const session = await InferenceSession.create(build(), {
        executionProviders: ['webgpu'],
        extra: { session: { disable_cpu_ep_fallback: '1' } },
        logSeverityLevel: 3
      })
      await session.release()
    }
  })
})

describe.skipIf(missing !== undefined)('the codes of int8 on a device', () => {
  const spec = specOf({ format: 'int8' })

  // Rows of even and odd lengths, which together fill whole words.
  it.each([
    [48, 128],
    [8, 33],
    [4, 1000]
  ])('are made there of a weight that lies there, and come back: [%i, %i]', async (rows, cols) => {
    const own = weightOf(rows, cols)
    const expectedCodes = quantizeWeight(own.linear, own.weight, spec)
    const { Q, E } = expected(own, expectedCodes, spec)
    const errorThere = watchErrors()
    await onDevice(async (algebra, memory) => {
      giveBack([(await linearError(algebra, own, spec, undefined)).Q]) // with the trial
      const lies = (await memory.upload({ data: own.weight, shape: [rows, cols] })) as DeviceTensor
      const bus = watchBus()
      const found = await linearError(algebra, { ...own, lies }, spec, undefined)
      expect(carriedOf(bus.up)).toBe(2 * 4 * rows)
      expect(carriedOf(bus.down)).toBe(4 * rows + rows * cols)
      if (!(found.Q instanceof DeviceTensor)) throw new Error('it was left to the processor')
      expect(sameBytes((await memory.read(found.Q)).data, Q)).toBe(true)
      for (const values of [found.E.data, await errorThere(memory)]) expect(sameBytes(values, E)).toBe(true)
      expect(found.fingerprint).toEqual(expectedCodes.fingerprint)
      giveBack([lies, found.Q])
    })
  })

  it('are left to the processor where they do not fill whole words', async () => {
    const own = weightOf(3, 33)
    await onDevice(async (algebra) => {
      const { Q } = await linearError(algebra, own, spec, undefined)
      expect(Q).toEqual(expected(own, quantizeWeight(own.linear, own.weight, spec), spec).Q)
    })
  })

  it('are named where a weight is not finite', async () => {
    const own = weightOf(4, 32)
    own.weight[40] = Number.NaN
    await onDevice(async (algebra) => {
      const message = 'some.linear.weight: element 40 is NaN'
      await expect(linearError(algebra, own, spec, undefined)).rejects.toThrow(message)
    })
  })
})

describe.skipIf(missing !== undefined)('what the window shows of a linear', () => {
  it('is computed here, whatever the device, with the same bits', async () => {
    const [rows, cols] = [300, 200]
    const E = toFloat32(gaussianMatrix(rows, cols, 'E'))
    const factors = { loraA: toFloat32(gaussianMatrix(8, cols, 'A')), loraB: toFloat32(gaussianMatrix(rows, 8, 'B')) }
    const moment = new SecondMoment(matrixOf(cols, cols, (i, j) => (i === j ? 1 : 0)))
    const histograms = []
    const bus = watchBus()
    for (const device of ['cpu', 'webgpu'] as const) {
      const algebra = new LinearAlgebra(device)
      const problem = new LayerProblem(algebra, 'some.linear', E, moment, { maxRank: 8, seed: 0 })
      histograms.push(await algebra.holding(() => errorHistogram(problem, factors, 0.5)))
      await algebra.release()
    }
    const [here, there] = histograms
    expect(there).toEqual(here)
    expect(here?.after).not.toEqual(here?.before)
    expect([carriedOf(bus.up), carriedOf(bus.down)]).toEqual([0, 0])
  })
})
