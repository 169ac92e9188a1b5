import { InferenceSession } from 'onnxruntime-node'
import { vi } from 'vitest'

const create = InferenceSession.create.bind(InferenceSession) as (
  model: Uint8Array,
  options: InferenceSession.SessionOptions
) => Promise<InferenceSession>

/**
 * A card at the boundary to the library: what is asked of `webgpu` is computed by the processor, until `reason` gives what
 * the library says of a device that is lost.
 */
export function mockCard(reason: () => string | undefined): void {
  // Before the library is asked, somebody looks whether there is a driver for it.
  process.env.VK_ICD_FILENAMES ||= '/mock/card_icd.json'
  vi.spyOn(InferenceSession, 'create').mockImplementation((async (
    model: Uint8Array,
    options: InferenceSession.SessionOptions
  ) => {
    if (options.executionProviders?.[0] !== 'webgpu') return create(model, options)
    const session = await create(model, { ...options, executionProviders: ['cpu'] })
    const run = session.run.bind(session)
    session.run = (async (...args: Parameters<typeof run>) => {
      const lost = reason()
      if (lost !== undefined) throw new Error(lost)
      return run(...args)
    }) as typeof session.run
    return session
  }) as unknown as typeof InferenceSession.create)
}
