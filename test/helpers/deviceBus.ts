import { InferenceSession, type Tensor } from 'onnxruntime-node'
import { vi } from 'vitest'
import { DeviceMemory } from '../../src/engine/graph/deviceMemory'
import { DeviceTensor } from '../../src/engine/graph/session'

interface Running {
  run(feeds: InferenceSession.FeedsType, ...rest: unknown[]): Promise<InferenceSession.OnnxValueMapType>
}

export interface Bus {
  /** Bytes that were carried to the device and back, by name of the graphs' inputs and outputs. */
  readonly up: ReadonlyMap<string, number>
  readonly down: ReadonlyMap<string, number>
  /** How many tensors were left there, and how many of them lie there now. */
  readonly left: () => number
  readonly lying: () => number
}

/** Carried bytes, of all names or of one. */
export const carriedOf = (bytes: ReadonlyMap<string, number>, name?: string): number =>
  name === undefined ? [...bytes.values()].reduce((sum, size) => sum + size, 0) : (bytes.get(name) ?? 0)

// The library's own, whoever watches already.
const create = InferenceSession.create.bind(InferenceSession) as (
  model: Uint8Array,
  options: InferenceSession.SessionOptions
) => Promise<InferenceSession>
const { prototype } = InferenceSession as unknown as { readonly prototype: Running }
const { run } = prototype

/**
 * Watches what goes over the bus of a device and what is left there, at the boundary to the library; from now on.
 *
 * @param failing - throws where the device is to fail
 */
export function watchBus(failing: () => void = () => undefined): Bus {
  const [up, down] = [new Map<string, number>(), new Map<string, number>()]
  const left: Tensor[] = []
  const here = new WeakSet<object>()
  const count = (bytes: Map<string, number>, name: string, tensor: Tensor): void => {
    if (tensor.location !== 'cpu') return
    bytes.set(name, (bytes.get(name) ?? 0) + (tensor.data as Float32Array).byteLength)
  }
  vi.spyOn(InferenceSession, 'create').mockImplementation((async (
    model: Uint8Array,
    options: InferenceSession.SessionOptions
  ) => {
    const session = await create(model, options)
    if (options.executionProviders?.[0] === 'cpu') here.add(session)
    return session
  }) as unknown as typeof InferenceSession.create)
  vi.spyOn(prototype, 'run').mockImplementation(async function (this: Running, feeds, ...rest) {
    if (here.has(this)) return run.call(this, feeds, ...rest)
    failing()
    for (const [name, tensor] of Object.entries(feeds)) count(up, name, tensor as Tensor)
    const outputs = await run.call(this, feeds, ...rest)
    for (const [name, tensor] of Object.entries(outputs)) {
      count(down, name, tensor as Tensor)
      if ((tensor as Tensor).location === 'gpu-buffer') left.push(tensor as Tensor)
    }
    return outputs
  })
  return {
    up,
    down,
    left: () => left.length,
    lying: () => left.filter(({ location }) => location === 'gpu-buffer').length
  }
}

/** A graph over tensors that lie on a device, when it was computed. */
interface Computed {
  readonly graph: string
  /** Names of the inputs that lay there. */
  readonly lay: readonly string[]
}

/** The graphs over tensors that lie on a device, and all that they leave there; from now on. */
export function watchGraphs() {
  const computed: Computed[] = []
  const left: { readonly graph: string; readonly tensor: DeviceTensor }[] = []
  const { compute } = DeviceMemory.prototype
  vi.spyOn(DeviceMemory.prototype, 'compute').mockImplementation(async function (this: DeviceMemory, graph, feeds) {
    const lay = Object.keys(feeds).filter((name) => feeds[name] instanceof DeviceTensor)
    computed.push({ graph: graph.name, lay })
    const made = await compute.call(this, graph, feeds)
    left.push(...Object.values(made.there).map((tensor) => ({ graph: graph.name, tensor })))
    return made
  })
  return { computed, left }
}

/** All that is carried there to stay, from now on. */
export function watchUploads(): DeviceTensor[] {
  const found: DeviceTensor[] = []
  const { upload } = DeviceMemory.prototype
  vi.spyOn(DeviceMemory.prototype, 'upload').mockImplementation(async function (this: DeviceMemory, tensor) {
    const there = await upload.call(this, tensor)
    if (there instanceof DeviceTensor) found.push(there)
    return there
  })
  return found
}

export const isThere = ({ value }: DeviceTensor): boolean => value.location === 'gpu-buffer'
