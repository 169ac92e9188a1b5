import type { WorkClock } from '../../engine/formats/workWatch'
import type { SerializedError } from '../../shared/errors'
import type { SampleInspection } from '../../shared/samples'
import type { SampleOptions, SampleSummary } from './readSamples'

/** What the thread is asked for; one request a thread. */
export interface SampleRequest {
  readonly task: 'read' | 'inspect'
  readonly file: string
  readonly options: Pick<SampleOptions, 'split' | 'shape'>
  /** Places of the samples that are wanted, which go up; all when left out. */
  readonly places?: readonly number[] | undefined
}

/** A message of samples was taken: another may be sent. */
export type ToSampleThread = 'taken'

/** Messages of samples that may lie between the thread and who takes them. */
export const MESSAGES_AHEAD = 2

/** What it tells: where its time is told, samples in their order and shares of the file as it goes, then one of the last three. */
export type FromSampleThread =
  | { readonly kind: 'started'; readonly clock: WorkClock }
  | { readonly kind: 'samples'; readonly samples: readonly string[] }
  | { readonly kind: 'share'; readonly share: number }
  | { readonly kind: 'read'; readonly summary: SampleSummary; readonly available: number }
  | { readonly kind: 'inspected'; readonly inspection: SampleInspection }
  | { readonly kind: 'failed'; readonly error: SerializedError }
