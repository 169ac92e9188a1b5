/*
 * Tokenizers work in a process of their own (engine/prepare/tokenizerHelper.ts). Where the runtime does not run as Node, a
 * thread of the engine cannot start it: the program around the engine does, and connects it with a port of that thread.
 */

/** A port of a thread, as far as it is used. */
export interface TokenizerPort {
  postMessage(message: unknown): void
  on(event: 'message', listener: (message: unknown) => void): unknown
  on(event: 'close', listener: () => void): unknown
}

/** What the thread hears when the process has ended by itself: its exit code, and what it said last. */
export interface TokenizerEnded {
  readonly kind: 'ended'
  readonly code: number
  readonly words: string
}

/** Starts a process that answers at this port, and ends it when the port is closed. */
export type StartTokenizer = (port: TokenizerPort) => void

let provided: StartTokenizer | undefined

/** Says how the program around the command line starts such processes, before that is loaded. */
export const provideTokenizers = (start: StartTokenizer): void => {
  provided = start
}

export const providedTokenizers = (): StartTokenizer | undefined => provided
