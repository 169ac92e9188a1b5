import type { ErrorCode } from './errors'
import type { RunStatus } from './runEvents'

/** Failures that a run meets again however often it goes on: its numbers depend on nothing but its recipe and its files. */
const FINAL: readonly string[] = ['NUMERICS'] satisfies ErrorCode[]

/** Whether a run goes on, or begins anew, when it is asked to. */
export const isResumable = ({
  status,
  error
}: {
  readonly status: RunStatus
  readonly error?: { readonly code: string } | null | undefined
}): boolean =>
  (status === 'interrupted' || status === 'cancelled' || status === 'failed') && !FINAL.includes(error?.code ?? '')

/** What is said of a run that failed and cannot go on. */
export const NOT_RESUMABLE = 'it would meet the same values again: mend what is named, then start a new run'
