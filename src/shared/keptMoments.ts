import { z } from 'zod'

/** Where second moments are kept from run to run, and how much of them; a limit of 0 keeps none. */
export interface MomentStore {
  /** Absolute. */
  readonly folder: string
  readonly limitBytes: number
}

/** What a run does with the second moments of its calibration rows, beside using them; `bytes` are those on the disk. */
export const KeptMoments = z.discriminatedUnion('state', [
  z.object({ state: z.literal('used'), bytes: z.number() }).describe('those of an earlier run are read'),
  z.object({ state: z.literal('kept'), bytes: z.number() }).describe('they are kept for later runs'),
  z.object({ state: z.literal('tooLarge'), bytes: z.number(), limitBytes: z.number() }),
  z.object({ state: z.literal('noRoom'), bytes: z.number(), freeBytes: z.number() })
])
export type KeptMoments = z.infer<typeof KeptMoments>

/**
 * For people, behind the words "second moments": `kept for later runs: 402 MiB`.
 *
 * @param size - writes bytes
 */
export function keptMomentsSentence(kept: KeptMoments, size: (bytes: number) => string): string {
  const bytes = size(kept.bytes)
  switch (kept.state) {
    case 'used':
      return `of an earlier run, ${bytes}: calibration is skipped`
    case 'kept':
      return `kept for later runs: ${bytes}`
    case 'tooLarge':
      return `not kept for later runs: ${bytes} are more than the limit of ${size(kept.limitBytes)}`
    case 'noRoom':
      return `not kept for later runs: of ${bytes}, the disk has room for ${size(kept.freeBytes)}`
  }
}
