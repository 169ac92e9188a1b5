import type { ProviderName } from '../../shared/devices'
import { deviceOf } from './devices/registry'
import { GraphBuilder, type Value } from './graphBuilder'
import {
  type DeviceTensor,
  type Feeds,
  GraphSession,
  giveBack,
  TENSOR_LIMIT_BYTES,
  type Tensor,
  type Tensors
} from './session'

/** A graph over tensors that lie on a device. */
export interface DeviceGraph {
  /** Graphs of one name are built alike. */
  readonly name: string
  readonly build: () => Uint8Array
  /** Outputs that stay on the device. */
  readonly left?: readonly string[]
}

/**
 * The memory of a device: what many computations take is carried there once, and what they add up is read once. Where a
 * device has none that lasts from one computation to the next, tensors stay what they are.
 */
export class DeviceMemory {
  readonly #sessions = new Map<string, Promise<GraphSession>>()

  constructor(readonly device: ProviderName) {}

  get keepsTensors(): boolean {
    return deviceOf(this.device).keepsTensors === true
  }

  /** The largest tensor that graphs here make on their way, and the largest that comes back, bytes: others are cut. */
  get tensorLimit(): number {
    return TENSOR_LIMIT_BYTES
  }

  /**
   * A matrix as graphs of the device take it: its values as they are now, to be given back where they lie there.
   *
   * @throws {AppError} DEVICE with the library's reason when the device fails
   */
  async upload(matrix: Tensor): Promise<Tensor | DeviceTensor> {
    if (!this.keepsTensors || matrix.data.length === 0) return matrix
    return (await this.compute(UPLOAD, { first: matrix })).there[RESULT] as DeviceTensor
  }

  /** Whole numbers of 32 bits that stay there, the caller's to give back. @throws {AppError} DEVICE when the device fails */
  async lay(words: Tensor): Promise<DeviceTensor> {
    return (await this.compute(words.data instanceof Uint32Array ? LAY.uint32 : LAY.int32, { words })).there[
      RESULT
    ] as DeviceTensor
  }

  /** The values of a matrix that lies there. @throws {AppError} DEVICE when the device fails */
  async read(matrix: DeviceTensor): Promise<Tensor> {
    return (await this.compute(READ, { first: matrix })).here[RESULT] as Tensor
  }

  /** Zeros beside a matrix that lies there, in its shape. @throws {AppError} DEVICE when the device fails */
  async zeros(matrix: DeviceTensor): Promise<DeviceTensor> {
    return (await this.compute(ZEROS, { first: matrix })).there[RESULT] as DeviceTensor
  }

  /** Rows [begin, end) of a matrix that lies there, beside it. @throws {AppError} DEVICE when the device fails */
  async rows(matrix: DeviceTensor, begin: number, end: number): Promise<DeviceTensor> {
    const ends = { begin: pair(begin, 0), end: pair(end, matrix.shape[1] as number) }
    return (await this.compute(ROWS, { first: matrix, ...ends })).there[RESULT] as DeviceTensor
  }

  /** The sum of two matrices that lie there, in float32, in their place: both are given back. @throws {AppError} DEVICE */
  async sum(first: DeviceTensor, second: DeviceTensor): Promise<DeviceTensor> {
    try {
      return (await this.compute(SUM, { first, second })).there[RESULT] as DeviceTensor
    } finally {
      giveBack([first, second])
    }
  }

  /**
   * What a graph makes of tensors, here or there: outputs that are `there` are the caller's to give back.
   *
   * @throws {AppError} DEVICE with the library's reason when the device fails
   */
  async compute(
    graph: DeviceGraph,
    feeds: Feeds
  ): Promise<{ readonly here: Tensors; readonly there: Record<string, DeviceTensor> }> {
    return (await this.#session(graph)).keep(feeds)
  }

  async release(): Promise<void> {
    for (const session of this.#sessions.values()) await (await session).release()
    this.#sessions.clear()
  }

  #session({ name, build, left }: DeviceGraph): Promise<GraphSession> {
    const known = this.#sessions.get(name)
    if (known !== undefined) return known
    const created = GraphSession.create(build(), this.device, left)
    this.#sessions.set(name, created)
    created.catch(() => this.#sessions.delete(name)) // nothing to release
    return created
  }
}

const NAMES = ['first', 'second'] as const
const RESULT = 'result'

const UPLOAD: DeviceGraph = { name: 'upload', build: () => sumModel(1), left: [RESULT] }
const READ: DeviceGraph = { name: 'read', build: () => sumModel(1) }
const SUM: DeviceGraph = { name: 'sum', build: () => sumModel(2), left: [RESULT] }

/** A copy of `words` that stays there. */
const layGraph = (type: 'int32' | 'uint32'): DeviceGraph => ({
  name: `lay ${type}`,
  left: [RESULT],
  build: () => {
    const g = new GraphBuilder()
    const shape = ['rows', 'columns']
    g.output(RESULT, g.input('words', shape, type), shape, type)
    return g.build()
  }
})
const LAY = { int32: layGraph('int32'), uint32: layGraph('uint32') }

/** Zeros, whatever the values are: none is less than itself, be it infinite or NaN. */
const ZEROS: DeviceGraph = {
  name: 'zeros',
  left: [RESULT],
  build: () => {
    const g = new GraphBuilder()
    const shape = ['rows', 'columns']
    const first = g.input('first', shape)
    g.output(RESULT, g.node('Where', [g.node('Less', [first, first]), first, g.scalar(0)]), shape)
    return g.build()
  }
}

/** Rows [begin, end) of a matrix. */
export const ROWS: DeviceGraph = {
  name: 'rows',
  left: [RESULT],
  build: () => {
    const g = new GraphBuilder()
    const first = g.input('first', ['rows', 'columns'])
    const [begin, end] = [g.input('begin', [2], 'int32'), g.input('end', [2], 'int32')]
    g.output(RESULT, g.node('Slice', [first, begin, end]), ['fewer', 'columns'])
    return g.build()
  }
}

const pair = (row: number, column: number): Tensor => ({ data: Int32Array.of(row, column), shape: [2] })

/** The sum of matrices of one shape; of one alone, a copy. */
function sumModel(terms: 1 | 2): Uint8Array {
  const g = new GraphBuilder()
  const shape = ['rows', 'columns']
  const [first, second] = NAMES.slice(0, terms).map((name) => g.input(name, shape)) as [Value, Value | undefined]
  g.output(RESULT, second === undefined ? first : g.add(first, second), shape)
  return g.build()
}
