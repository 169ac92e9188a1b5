import { InferenceSession, type Tensor } from 'onnxruntime-node'
import { vi } from 'vitest'

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
