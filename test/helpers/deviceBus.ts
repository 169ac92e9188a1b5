import { InferenceSession } from 'onnxruntime-node'
import { vi } from 'vitest'
import { DeviceMemory } from '../../src/engine/graph/deviceMemory'
import { DeviceTensor } from '../../src/engine/graph/session'

interface Running {
  run(feeds: InferenceSession.FeedsType, ...rest: unknown[]): Promise<InferenceSession.OnnxValueMapType>
}

/** Counts the bytes of tensors that are carried to sessions, and that come back from them; from now on. */
export function watchBus(): { up(): number; down(): number } {
  const bytes = { up: 0, down: 0 }
  const { prototype } = InferenceSession as unknown as { readonly prototype: Running }
  const { run } = prototype
  vi.spyOn(prototype, 'run').mockImplementation(async function (this: Running, feeds, ...rest) {
    bytes.up += bytesHere(feeds)
    const found = await run.call(this, feeds, ...rest)
    bytes.down += bytesHere(found)
    return found
  })
  return { up: () => bytes.up, down: () => bytes.down }
}

const bytesHere = (tensors: InferenceSession.FeedsType | InferenceSession.OnnxValueMapType): number =>
  Object.values(tensors)
    .filter(({ location }) => location === 'cpu')
    .reduce((sum, { data }) => sum + (data as Float32Array).byteLength, 0)

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
