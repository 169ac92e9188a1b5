import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type * as ort from 'onnxruntime-node'
import type { ProviderName } from '../../shared/devices'
import { AppError } from '../../shared/errors'
import { alone } from './deviceLock'
import { elementwiseProbe } from './deviceProbe'
import { threads } from './devices/computeLimits'
import { loadBesideProviders } from './devices/cudaFiles'
import type { Obstacle } from './devices/device'
import { deviceOf } from './devices/registry'

export { TENSOR_LIMIT_BYTES } from './devices/computeLimits'

/*
 * The only file that imports onnxruntime-node. A session belongs to one device; the same graph bytes run on any.
 * Inputs are passed without a copy; a tensor of ours above 512 MiB must never be an output or an intermediate, because
 * Electron's allocator ends the process then (seen with Electron 33): callers tile.
 */

let loaded: typeof ort | undefined

/** The library, loaded when the first session is wanted: through CUDA's folder, where that is set up. */
function library(): typeof ort {
  if (loaded !== undefined) return loaded
  const require = createRequire(import.meta.url)
  const binaries = join(dirname(require.resolve('onnxruntime-node')), '../bin/napi-v6', process.platform, process.arch)
  // A package holds it outside of the archive, where alone the system can load it.
  loadBesideProviders(join(binaries.replace(/\.asar(?=[\\/])/, '.asar.unpacked'), 'libonnxruntime.so.1'))
  loaded = require('onnxruntime-node') as typeof ort
  // A provider that is missing is reported by us, in one sentence; the library would write a page to the terminal first.
  loaded.env.logLevel = 'fatal'
  return loaded
}

export interface Tensor {
  readonly data: Float32Array | Float64Array | Int32Array | Uint32Array
  readonly shape: readonly number[]
}

/**
 * A tensor in the memory of a device, as input of any session there. It stays until it is given back: the garbage
 * collection knows nothing of that memory.
 */
export class DeviceTensor {
  #lies = true

  /** @param value - what the library takes */
  constructor(readonly value: ort.Tensor) {}

  get shape(): readonly number[] {
    return this.value.dims
  }

  /** The first time; what was given back is gone. */
  giveBack(): void {
    if (this.#lies) this.value.dispose()
    this.#lies = false
  }
}

/** Gives back what lies on a device; what is here needs no giving back. */
export function giveBack(values: Iterable<unknown>): void {
  for (const value of values) if (value instanceof DeviceTensor) value.giveBack()
}

/** Tensors by name, all of them here. */
export type Tensors = Readonly<Record<string, Tensor>>

/** Inputs of a graph; those on its own device are not carried there again. */
export type Feeds = Readonly<Record<string, Tensor | DeviceTensor>>

const ELEMENT_TYPES = new Map<unknown, 'float32' | 'float64' | 'int32' | 'uint32'>([
  [Float32Array, 'float32'],
  [Float64Array, 'float64'],
  [Int32Array, 'int32'],
  [Uint32Array, 'uint32']
])

export class GraphSession {
  private constructor(
    private readonly session: ort.InferenceSession,
    readonly device: ProviderName,
    /** Outputs that stay on the device. */
    private readonly left: readonly string[]
  ) {}

  /**
   * Loads model bytes on a device. A missing device is an error, never a silent fallback to another.
   *
   * @param left - outputs that `keep` leaves on the device, which keeps tensors
   * @throws {AppError} DEVICE with the provider's own reason
   */
  static async create(model: Uint8Array, device: ProviderName, left: readonly string[] = []): Promise<GraphSession> {
    const { InferenceSession } = library()
    const obstacle = await deviceOf(device).prepare?.()
    if (obstacle !== undefined) throw missing(device, obstacle)
    const options = { ...sessionOptions(device), ...(left.length > 0 && { preferredOutputLocation: onDevice(left) }) }
    try {
      const session = await alone(device, () => InferenceSession.create(model, options))
      return new GraphSession(session, device, left)
    } catch (error) {
      throw missing(device, { reason: reasonOf(error), remedy: deviceOf(device).remedy?.() }, error)
    }
  }

  /**
   * Runs the graph once. Outputs are fresh arrays owned by the caller, other than those that are written `into` tensors of
   * the caller's: large ones that would otherwise pile up until the next garbage collection.
   *
   * @throws {AppError} DEVICE with the library's reason when the device fails
   */
  async run(feeds: Feeds, into: Tensors = {}): Promise<Record<string, Tensor>> {
    const fetches = this.session.outputNames.map((name) => [name, into[name] ? toOrt(into[name]) : null])
    const outputs = await this.#compute(() => this.session.run(allToOrt(feeds), Object.fromEntries(fetches)))
    return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, fromOrt(tensor)]))
  }

  /**
   * The same for a session that leaves outputs on the device: those are `there`, each the caller's to give back, and the
   * others `here`.
   *
   * @throws {AppError} DEVICE with the library's reason when the device fails
   */
  async keep(feeds: Feeds): Promise<{ readonly here: Tensors; readonly there: Record<string, DeviceTensor> }> {
    const outputs = await this.#compute(() => this.session.run(allToOrt(feeds)))
    const here: Record<string, Tensor> = {}
    const there: Record<string, DeviceTensor> = {}
    for (const [name, tensor] of Object.entries(outputs)) {
      if (this.left.includes(name)) there[name] = new DeviceTensor(tensor)
      else here[name] = fromOrt(tensor)
    }
    return { here, there }
  }

  /** Gives back what the session holds; what a device holds that has failed is gone with it. */
  async release(): Promise<void> {
    await this.#compute(() => this.session.release()).catch(() => undefined)
  }

  async #compute<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await alone(this.device, work)
    } catch (error) {
      throw new DeviceError(this.device, { reason: reasonOf(error) }, { cause: error })
    }
  }
}

/** A device that cannot be used, or that failed while it computed. */
export class DeviceError extends AppError {
  constructor(
    readonly device: ProviderName,
    readonly obstacle: Obstacle,
    options?: { cause?: unknown }
  ) {
    const { reason, remedy } = obstacle
    super('DEVICE', `device ${device}: ${reason}${remedy === undefined ? '' : `; ${remedy}`}`, options)
  }
}

const missing = (device: ProviderName, obstacle: Obstacle, cause?: unknown): DeviceError =>
  new DeviceError(device, obstacle, { cause })

const withoutBigInts = (data: ort.Tensor.DataType): Tensor['data'] =>
  data instanceof BigInt64Array ? Int32Array.from(data, Number) : (data as Tensor['data'])

function sessionOptions(device: ProviderName): ort.InferenceSession.SessionOptions {
  return {
    executionProviders: [deviceOf(device).provider],
    intraOpNumThreads: threads(),
    interOpNumThreads: 1,
    // Waiting threads sleep. Were they to spin, many small products on a busy machine would cost four times the work.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
    // Weights are graph inputs, so there is nothing to prepack; the arena would only round allocations up.
    enableCpuMemArena: false,
    enableMemPattern: false,
    logSeverityLevel: 3
  }
}

/** Where the library leaves outputs: WebGPU's buffers. It has no such place for the other devices. */
const LEFT = 'gpu-buffer'

const onDevice = (names: readonly string[]): Record<string, typeof LEFT> =>
  Object.fromEntries(names.map((name) => [name, LEFT]))

const fromOrt = ({ data, dims }: ort.Tensor): Tensor => ({ data: withoutBigInts(data), shape: dims.map(Number) })

const allToOrt = (feeds: Feeds): Record<string, ort.Tensor> =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, tensor]) => [name, tensor instanceof DeviceTensor ? tensor.value : toOrt(tensor)])
  )

function toOrt({ data, shape }: Tensor): ort.Tensor {
  const type = ELEMENT_TYPES.get(data.constructor)
  if (type === undefined) throw new AppError('INTERNAL', `unsupported tensor type ${data.constructor.name}`)
  return new (library().Tensor)(type, data as never, shape)
}

/** The library's own reason, without the place in its source that it puts before it. */
function reasonOf(error: unknown): string {
  const [line = ''] = String(error instanceof Error ? error.message : error).split('\n')
  const cuda = /CUDA failure \d+: [^;]+?(?= ;)/.exec(line)?.[0]
  if (cuda !== undefined) return cuda
  const reason = /was false\. (.+)$/.exec(line)?.[1] ?? /ERR: \[\w+\] (.+)$/.exec(line)?.[1] ?? line
  return reason.replace(/^OrtSessionOptionsAppendExecutionProvider_\w+: /, '')
}

/** Version of the library that computes, as `1.30.0`. */
export const runtimeVersion = (): string => library().env.versions.node ?? library().env.versions.common

/** Computes a sum of two numbers on a provider: undefined when it is right, else why it cannot be used. */
export async function probeProvider(provider: ProviderName): Promise<Obstacle | undefined> {
  try {
    const session = await GraphSession.create(elementwiseProbe(), provider)
    const { sum } = await session.run({ a: { data: Float32Array.of(1, 2), shape: [2] } })
    await session.release()
    return sum?.data[0] === 2 && sum.data[1] === 4 ? undefined : { reason: 'it gave a wrong sum' }
  } catch (error) {
    return error instanceof DeviceError ? error.obstacle : { reason: reasonOf(error) }
  }
}
