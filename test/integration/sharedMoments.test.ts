import { rmSync } from 'node:fs'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { DeviceMemory } from '../../src/engine/graph/deviceMemory'
import { LinearAlgebra } from '../../src/engine/graph/linearAlgebra'
import { DeviceTensor, type Tensor } from '../../src/engine/graph/session'
import { SecondMoment } from '../../src/engine/methods/secondMoment'
import { MomentsThere, type Sharing } from '../../src/engine/methods/sharedMoments'
import { toFloat32 } from '../../src/engine/numerics/matrix'
import { type LinearJob, OwnThread } from '../../src/engine/solve/blockSolver'
import { characterModel } from '../helpers/characterModel'
import { carriedOf, isThere, watchBus } from '../helpers/deviceBus'
import { gaussianMatrix, product, transpose } from '../helpers/matrices'
import { finishedOf, makeRun, runToEnd } from '../helpers/runs'
import { webgpuDevice } from '../helpers/webgpuDevice'

const { missing } = await webgpuDevice('the tests of second moments on a device')

const made: string[] = []

/** The second moments of inputs that were carried to the device: as they are, or as what is right of their diagonals. */
function watchMoments() {
  const carried: { readonly size: number; readonly there: DeviceTensor }[] = []
  const { compute, upload } = DeviceMemory.prototype
  vi.spyOn(DeviceMemory.prototype, 'upload').mockImplementation(async function (this: DeviceMemory, matrix) {
    const there = await upload.call(this, matrix)
    if (isSymmetric(matrix)) carried.push({ size: matrix.shape[0] as number, there: there as DeviceTensor })
    return there
  })
  vi.spyOn(DeviceMemory.prototype, 'compute').mockImplementation(async function (this: DeviceMemory, graph, feeds) {
    const made = await compute.call(this, graph, feeds)
    const there = made.there.symmetric
    if (there !== undefined) carried.push({ size: there.shape[0] as number, there })
    return made
  })
  return { carried, lying: () => carried.filter(({ there }) => isThere(there)).map(({ size }) => size) }
}

const isSymmetric = ({ data, shape: [rows = 0, columns = 0] }: Tensor): boolean =>
  rows === columns && data.every((value, at) => value === data[(at % rows) * rows + Math.floor(at / rows)])

const momentOf = (size: number): SecondMoment => {
  const X = gaussianMatrix(2 * size, size, `inputs ${size}`)
  return new SecondMoment(product(transpose(X), X))
}

/** A linear of so many features with the second moment of its input, under NF4. */
function jobOf(name: string, moment: SecondMoment, readBase?: LinearJob['readBase']): LinearJob {
  const [outFeatures, inFeatures] = [48, moment.H.rows]
  const weight = toFloat32(gaussianMatrix(outFeatures, inFeatures, name)).data
  const linear = { name, path: name, block: 0, adaptable: true, input: 0, inFeatures, outFeatures }
  const variant = { name: 'v', spec: { method: 'exact', rank: 4, alpha: 4 }, scaling: 1 }
  return {
    task: { linear, weight, moment, curvature: undefined, outputEnergy: 1, weightNorm: 1 },
    spec: { format: 'nf4', blockSize: 64, doubleQuantization: true },
    variants: [variant],
    seed: 0,
    factorDtype: 'float32',
    readBase
  } as unknown as LinearJob
}

/** As in a block whose feed-forward reads what its attention reads. */
const parallel = (): LinearJob[] => {
  const [first, second, third] = [64, 96, 128].map(momentOf) as [SecondMoment, SecondMoment, SecondMoment]
  return [jobOf('q', first), jobOf('k', first), jobOf('o', second), jobOf('up', first), jobOf('down', third)]
}

afterEach(() => vi.restoreAllMocks())

afterAll(() => {
  for (const model of made.splice(0)) rmSync(model, { recursive: true })
})

describe.skipIf(missing !== undefined)('second moments on a device', () => {
  it('are carried once for the linears that read an input, and leave after the last of them', async () => {
    const moments = watchMoments()
    const solver = new OwnThread(new LinearAlgebra('webgpu'))
    const each = []
    for (const job of parallel()) each.push(...(await solved(solver, [job], moments.lying)).factors)
    const alone = moments.carried.splice(0).map(({ size }) => size)
    const bus = watchBus()
    const { factors, lying } = await solved(solver, parallel(), moments.lying)
    await solver.close()
    expect(alone).toEqual([64, 64, 96, 64, 128])
    expect(moments.carried.map(({ size }) => size)).toEqual([64, 96, 128])
    // What is right of the diagonal, in panels of 32 rows.
    const panels = [...bus.up.keys()].filter((name) => name.startsWith('panel'))
    expect(panels.map((name) => carriedOf(bus.up, name))).toEqual(
      [64 + 96 + 128, 32 + 64 + 96, 32 + 64, 32].map((columns) => 4 * 32 * columns)
    )
    expect(lying).toEqual([[64], [64], [64], [], []])
    expect(factors).toEqual(each)
  })

  it('leave when a linear fails, and when nobody asks for the next', async () => {
    const moments = watchMoments()
    const algebra = new LinearAlgebra('webgpu')
    const solver = new OwnThread(algebra)
    const [first, ...others] = parallel() as [LinearJob, ...LinearJob[]]
    const failing = jobOf('k', first.task.moment, () => Promise.reject(new Error('it cannot be read')))
    const all = async () => {
      for await (const { Q } of solver.solve([first, failing, ...others], new AbortController().signal)) give(Q)
    }
    await expect(all()).rejects.toThrow('it cannot be read')
    expect([moments.carried.length, moments.lying()]).toEqual([1, []])
    for await (const { Q } of solver.solve(parallel(), new AbortController().signal)) {
      give(Q)
      expect(moments.lying()).toEqual([64])
      break
    }
    expect(moments.lying()).toEqual([])
    await solver.close()
  })

  it('stay for the next quantizer where one follows, and leave after the last of its linears', async () => {
    const moments = watchMoments()
    const solver = new OwnThread(new LinearAlgebra('webgpu'))
    const int8 = { format: 'int8' } as const
    const jobs = parallel()
    const others = jobs.map((job) => ({ ...job, spec: int8 as LinearJob['spec'] }))
    const each = await solved(solver, jobs, moments.lying)
    const eachOther = await solved(solver, others, moments.lying)
    moments.carried.length = 0
    const there = new MomentsThere()
    const first = await solved(solver, jobs, moments.lying, { there, again: true })
    expect(first.lying).toEqual([[64], [64], [64, 96], [64, 96], [64, 96, 128]])
    const second = await solved(solver, others, moments.lying, { there, again: false })
    await solver.close()
    expect(moments.carried.map(({ size }) => size)).toEqual([64, 96, 128])
    expect(second.lying).toEqual([[64, 96, 128], [64, 96, 128], [64, 128], [128], []])
    expect([first.factors, second.factors]).toEqual([each.factors, eachOther.factors])
  })

  it('leave with the block where a run is stopped between two quantizers', async () => {
    const { model, text } = characterModel('llama', 8)
    made.push(model)
    const moments = watchMoments()
    const files = [text]
    const run = makeRun({
      ...{ model, device: 'webgpu', context: 8 },
      ...{ calibration: { files, rows: 4 }, evaluation: { files, rows: 2 } },
      variants: (['nf4', 'int8'] as const).map((format) => ({
        ...{ name: format, method: 'exact', rank: 4 },
        quantizer: { format }
      }))
    })
    let linears = 0
    const lying: number[] = []
    const events = await runToEnd(run, (event) => {
      if (event.type === 'layerFinished') linears++
      if (linears === 7 && event.type === 'phaseProgress') lying.push(moments.lying().length)
      return lying.length > 1
    })
    expect(finishedOf(events).status).toBe('cancelled')
    // The first quantizer's linears are solved, and its rows go through the block.
    expect(lying).toEqual([4, 4])
    expect(moments.lying()).toEqual([])
  })

  it('are carried once for each input while it is found what ranks are worth, and how many rows are enough', async () => {
    const { model, text } = characterModel('llama', 8)
    made.push(model)
    const moments = watchMoments()
    const bus = watchBus()
    const run = makeRun({
      model,
      device: 'webgpu',
      context: 8,
      calibration: { files: [text], rows: 32, enough: 1 },
      evaluation: undefined,
      variants: (['nf4', 'int8'] as const).map((format) => ({
        ...{ name: format, method: 'exact', rank: 4, rankBudget: {} },
        quantizer: { format }
      }))
    })
    const { status, error } = finishedOf(await runToEnd(run))
    expect([status, error]).toEqual(['completed', undefined])
    // Of both blocks, to find what ranks are worth and to solve; of the first, over half of the rows and over all of them.
    // Both quantizers take them.
    const [inputs, times] = [4, 2 * 2 + 2]
    expect(moments.carried.length).toBe(inputs * times)
    expect(moments.lying()).toEqual([])
    expect(bus.lying()).toBe(0)
  })
})

const give = (Q: unknown): void => {
  if (Q instanceof DeviceTensor) Q.giveBack()
}

/** What is found of linears, and which second moments lie there after each. */
async function solved(solver: OwnThread, jobs: readonly LinearJob[], those: () => number[], sharing?: Sharing) {
  const [factors, lying]: [unknown[], number[][]] = [[], []]
  for await (const { Q, solved: found } of solver.solve(jobs, new AbortController().signal, sharing)) {
    give(Q)
    factors.push(found.map((one) => one.factors))
    lying.push(those())
  }
  return { factors, lying }
}
