import type { ProviderName } from '../../shared/devices'
import { deviceOf } from './devices/registry'
import { GraphBuilder, type Value } from './graphBuilder'
import { type DeviceTensor, GraphSession, giveBack, type Tensor } from './session'

const NAMES = ['first', 'second'] as const
const RESULT = 'result'

/**
 * The memory of a device: what many computations take is carried there once, and what they add up is read once. Where a
 * device has none that lasts from one computation to the next, tensors stay what they are.
 */
export class DeviceMemory {
  readonly #sessions = new Map<string, Promise<GraphSession>>()

  constructor(private readonly device: ProviderName) {}

  get keepsTensors(): boolean {
    return deviceOf(this.device).keepsTensors === true
  }

  /**
   * A matrix as graphs of the device take it: its values as they are now, to be given back where they lie there.
   *
   * @throws {AppError} DEVICE with the library's reason when the device fails
   */
  async upload(matrix: Tensor): Promise<Tensor | DeviceTensor> {
    if (!this.keepsTensors || matrix.data.length === 0) return matrix
    const { there } = await (await this.#session('upload', 1, [RESULT])).keep({ first: matrix })
    return there[RESULT] as DeviceTensor
  }

  /** The values of a matrix that lies there. @throws {AppError} DEVICE when the device fails */
  async read(matrix: DeviceTensor): Promise<Tensor> {
    return (await (await this.#session('read', 1)).run({ first: matrix }))[RESULT] as Tensor
  }

  /** The sum of two matrices that lie there, in float32, in their place: both are given back. @throws {AppError} DEVICE */
  async sum(first: DeviceTensor, second: DeviceTensor): Promise<DeviceTensor> {
    try {
      const { there } = await (await this.#session('sum', 2, [RESULT])).keep({ first, second })
      return there[RESULT] as DeviceTensor
    } finally {
      giveBack([first, second])
    }
  }

  async release(): Promise<void> {
    for (const session of this.#sessions.values()) await (await session).release()
    this.#sessions.clear()
  }

  #session(purpose: string, terms: 1 | 2, left: readonly string[] = []): Promise<GraphSession> {
    const known = this.#sessions.get(purpose)
    if (known !== undefined) return known
    const created = GraphSession.create(sumModel(terms), this.device, left)
    this.#sessions.set(purpose, created)
    created.catch(() => this.#sessions.delete(purpose)) // nothing to release
    return created
  }
}

/** The sum of matrices of one shape; of one alone, a copy. */
function sumModel(terms: number): Uint8Array {
  const g = new GraphBuilder()
  const shape = ['rows', 'columns']
  const [first, second] = NAMES.slice(0, terms).map((name) => g.input(name, shape)) as [Value, Value | undefined]
  g.output(RESULT, second === undefined ? first : g.add(first, second), shape)
  return g.build()
}
