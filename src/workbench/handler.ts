import type { Calls, OutputOf, ParsedInputOf } from '../shared/contract/call'

/** What an answering function may use beside its input. */
export interface CallScope {
  /** Aborts when the window gives the call up. */
  readonly signal: AbortSignal
  /** Tells the window how far a long call is; `total` is null while it is unknown, `bytes` is the size of what it names. */
  readonly progress: (report: { done: number; total: number | null; label: string; bytes?: number }) => void
}

/** One function for each call of a topic: a call without one does not compile. */
export type HandlersOf<C extends Calls> = {
  readonly [N in keyof C]: (input: ParsedInputOf<C[N]>, scope: CallScope) => Promise<OutputOf<C[N]>>
}
