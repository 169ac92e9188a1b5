import type { ProviderName } from '../../shared/devices'
import { LateMatrix, type Matrix, sliceRows, transposed } from '../numerics/matrix'
import { type DeviceGraph, DeviceMemory } from './deviceMemory'
import { GraphBuilder } from './graphBuilder'
import { largestTensor, tensorFits } from './largestTensor'
import { DeviceTensor, type Feeds, GraphSession, giveBack, type Tensor, type Tensors } from './session'
import { uploadSymmetric } from './symmetricUploads'

export interface Transposes {
  readonly transA?: boolean
  readonly transB?: boolean
}

/**
 * The library gives each thread a share of a product's rows, or of its columns where these are more. It adds up in other steps
 * where a share is a single row or a few columns, so that bits would depend on the number of threads; with A transposed its
 * steps are always the same. Products of more rows and more columns than these leave large shares even to 64 threads.
 */
const FEW_ROWS = 128
const FEW_COLUMNS = 4096

type Precision = 'float32' | 'float64'
const BYTES = { float32: 4, float64: 8 } as const
type ArrayOf = { float32: Float32Array; float64: Float64Array }

/** What may stay on the device; undefined until a product takes it. */
type Kept = Map<Matrix<Float32Array | Float64Array>, Tensor | DeviceTensor | undefined>

/** Symmetric matrices that several pieces of work take, one after the other: they stay on the device from one to the next. */
export class SharedMatrices {
  /** Those that `keepShared` named. */
  readonly kept: Kept = new Map()

  giveBack(): void {
    giveBack(this.kept.values())
    this.kept.clear()
  }
}

/**
 * Matrix products for everything that is GEMM-shaped, through onnxruntime.
 *
 * float32 products run on the chosen device, float64 products always on the processor (WebGPU has no float64; in
 * Quail's methods they are O(rank) narrow or made once per linear). Products are made one after another: one compute
 * session at a time. On the processor their bits do not depend on the number of threads.
 */
export class LinearAlgebra {
  readonly #sessions = new Map<string, Promise<GraphSession>>()
  readonly #memory: DeviceMemory
  /** Within `holding`, what `keep` named. */
  #kept: Kept | undefined
  /** Within `holding`, what other work holds, too. */
  #shared: SharedMatrices | undefined

  constructor(readonly device: ProviderName) {
    this.#memory = new DeviceMemory(device)
  }

  /** Whether float32 products are made by the processor, in this program's memory. */
  get isHere(): boolean {
    return this.device === 'cpu'
  }

  /**
   * Does work of which matrices may stay on the device, as `keep` says; afterwards they are given back.
   *
   * @param shared - where those are that other work takes, too: they are the caller's to give back
   */
  async holding<T>(work: () => Promise<T>, shared?: SharedMatrices): Promise<T> {
    if (!this.#memory.keepsTensors) return work()
    const kept: Kept = new Map()
    this.#kept = kept
    this.#shared = shared
    try {
      return await work()
    } finally {
      this.#kept = undefined
      this.#shared = undefined
      giveBack(kept.values())
    }
  }

  /**
   * Says that several products will take a matrix, whose values no longer change: the first of them carries it to the device,
   * where it stays until the work that holds it is done.
   */
  keep<M extends Matrix<Float32Array>>(matrix: M): M {
    if (this.#kept?.has(matrix) === false) this.#kept.set(matrix, undefined)
    return matrix
  }

  /**
   * The same of a symmetric matrix that other work takes, too, where this is told of it: there it stays until they are all done,
   * and it goes there as what is right of its diagonal.
   */
  keepShared<M extends Matrix<Float32Array>>(matrix: M): M {
    if (this.#shared === undefined) return this.keep(matrix)
    const { kept } = this.#shared
    if (!kept.has(matrix)) kept.set(matrix, undefined)
    return matrix
  }

  /** The device's memory within work that holds matrices there, else undefined. */
  get held(): DeviceMemory | undefined {
    return this.#kept === undefined ? undefined : this.#memory
  }

  /** Says that a matrix already lies on the device, where it stays until the work that holds it is done. */
  adopt<M extends Matrix<Float32Array>>(matrix: M, there: DeviceTensor): M {
    this.#kept?.set(matrix, there)
    return matrix
  }

  /** Does work with rows [begin, end) of a matrix: of one that lies on the device they are cut out there. */
  async withRows<T>(
    matrix: Matrix<Float32Array>,
    begin: number,
    end: number,
    work: (rows: Matrix<Float32Array>) => Promise<T>
  ): Promise<T> {
    const whole = this.#kept?.get(matrix)
    if (!(whole instanceof DeviceTensor)) return work(sliceRows(matrix, begin, end))
    const rows = new LateMatrix(end - begin, matrix.cols, () => sliceRows(matrix, begin, end).data)
    const there = await this.#memory.rows(whole, begin, end)
    try {
      return await work(this.adopt(rows, there))
    } finally {
      this.#kept?.delete(rows)
      giveBack([there])
    }
  }

  /** op(A) · op(B) in float32 on the device, op being the transpose where asked for. */
  gemm32(a: Matrix<Float32Array>, b: Matrix<Float32Array>, transposes: Transposes = {}): Promise<Matrix<Float32Array>> {
    return this.#gemm('float32', a, b, transposes)
  }

  /** The same on the processor, which has the factors and is to have the product: its bits do not depend on the device. */
  gemm32Here(
    a: Matrix<Float32Array>,
    b: Matrix<Float32Array>,
    transposes: Transposes = {}
  ): Promise<Matrix<Float32Array>> {
    return this.#gemm('float32', a, b, transposes, 'cpu')
  }

  /** op(A) · op(B) in float64 on the processor. */
  gemm64(a: Matrix<Float64Array>, b: Matrix<Float64Array>, transposes: Transposes = {}): Promise<Matrix<Float64Array>> {
    return this.#gemm('float64', a, b, transposes)
  }

  /**
   * What a graph makes of matrices, on the device.
   *
   * @throws {AppError} DEVICE with the library's reason when the device fails
   */
  async compute(graph: DeviceGraph, matrices: Readonly<Record<string, Matrix<Float32Array>>>): Promise<Tensors> {
    return (await this.#memory.compute(graph, await this.#allFed(matrices))).here
  }

  /** What it leaves there: the caller's to give back, or to `adopt`. @throws {AppError} DEVICE as `compute` */
  async leave(
    graph: DeviceGraph,
    matrices: Readonly<Record<string, Matrix<Float32Array>>>
  ): Promise<Readonly<Record<string, DeviceTensor>>> {
    return (await this.#memory.compute(graph, await this.#allFed(matrices))).there
  }

  async release(): Promise<void> {
    await this.#memory.release()
    for (const session of this.#sessions.values()) await (await session).release()
    this.#sessions.clear()
  }

  async #gemm<P extends Precision>(
    precision: P,
    a: Matrix<ArrayOf[P]>,
    b: Matrix<ArrayOf[P]>,
    { transA = false, transB = false }: Transposes,
    device = precision === 'float32' ? this.device : 'cpu'
  ): Promise<Matrix<ArrayOf[P]>> {
    const rows = transA ? a.cols : a.rows
    const cols = transB ? b.rows : b.cols
    const zeros = (): ArrayOf[P] =>
      (precision === 'float32' ? new Float32Array(rows * cols) : new Float64Array(rows * cols)) as ArrayOf[P]
    if (rows * cols === 0 || (transA ? a.rows : a.cols) === 0) return { data: zeros(), rows, cols }
    const sharesVary = (rows <= cols && cols <= FEW_COLUMNS) || rows <= FEW_ROWS
    if (!transA && sharesVary) return this.#gemm(precision, transposed(a), b, { transA: true, transB }, device)
    const session = await this.#session(precision, transA, transB, device)
    const fed = (matrix: Matrix<Float32Array | Float64Array>) =>
      device === this.device ? this.#fed(matrix) : asTensor(matrix)
    const right = await fed(b)
    const tiles = [...(await this.#rowTiles(device, rows, cols * BYTES[precision], transA))]
    if (tiles.length === 1) {
      const { Y } = await session.run({ A: await fed(a), B: right })
      return { data: (Y as Tensor).data as ArrayOf[P], rows, cols }
    }
    const data = zeros()
    for (const [begin, end] of tiles) {
      const left = { data: a.data.subarray(begin * a.cols, end * a.cols), shape: [end - begin, a.cols] }
      const { Y } = await session.run({ A: left, B: right })
      if (Y !== undefined) data.set(Y.data, begin * cols)
    }
    return { data, rows, cols }
  }

  /** Row ranges whose product is no larger than a tensor may be; a transposed left factor is never cut (its products are narrow). */
  async #rowTiles(device: ProviderName, rows: number, bytesPerRow: number, whole: boolean) {
    if (whole || (await tensorFits(device, rows * bytesPerRow))) return rowTiles(rows, rows)
    return rowTiles(rows, Math.max(1, Math.floor((await largestTensor(device)) / bytesPerRow)))
  }

  async #allFed(matrices: Readonly<Record<string, Matrix<Float32Array>>>): Promise<Feeds> {
    const feeds: Record<string, Tensor | DeviceTensor> = {}
    for (const [name, matrix] of Object.entries(matrices)) feeds[name] = await this.#fed(matrix)
    return feeds
  }

  /** A factor as a graph takes it. */
  async #fed(matrix: Matrix<Float32Array | Float64Array>): Promise<Tensor | DeviceTensor> {
    const kept = [this.#kept, this.#shared?.kept].find((matrices) => matrices?.has(matrix))
    if (kept === undefined) return asTensor(matrix)
    const there = kept.get(matrix) ?? (await this.#carried(matrix, kept === this.#shared?.kept))
    kept.set(matrix, there)
    return there
  }

  #carried(matrix: Matrix<Float32Array | Float64Array>, isSymmetric: boolean): Promise<Tensor | DeviceTensor> {
    return isSymmetric ? uploadSymmetric(this.#memory, asTensor(matrix)) : this.#memory.upload(asTensor(matrix))
  }

  #session(precision: Precision, transA: boolean, transB: boolean, device: ProviderName): Promise<GraphSession> {
    const key = `${device} ${precision} ${transA} ${transB}`
    const known = this.#sessions.get(key)
    if (known !== undefined) return known
    const created = GraphSession.create(gemmModel(precision, transA ? 1 : 0, transB ? 1 : 0), device)
    this.#sessions.set(key, created)
    created.catch(() => this.#sessions.delete(key)) // nothing to release
    return created
  }
}

const asTensor = ({ data, rows, cols }: Matrix<Float32Array | Float64Array>): Tensor => ({ data, shape: [rows, cols] })

function gemmModel(precision: Precision, transA: 0 | 1, transB: 0 | 1): Uint8Array {
  const g = new GraphBuilder()
  const a = g.input('A', ['a0', 'a1'], precision)
  const b = g.input('B', ['b0', 'b1'], precision)
  g.output('Y', g.gemm(a, b, { transA, transB }), ['m', 'n'], precision)
  return g.build()
}

function* rowTiles(rows: number, step: number): Generator<[number, number]> {
  for (let begin = 0; begin < rows; begin += step) yield [begin, Math.min(rows, begin + step)]
}
