import type { Answer } from '../shared/contract/call'
import type { WindowEvent } from '../shared/contract/events'
import type { NamedPath } from '../shared/contract/purposes'
import type { TokenizerEnded } from '../shared/tokenizerProcess'

/*
 * What crosses between main and the engine process. Main has checked every call before it sends it; each is answered
 * exactly once, unless the process dies, and then main answers.
 */

export type ToWorkbench =
  | {
      readonly kind: 'call'
      readonly id: number
      readonly name: string
      readonly input: unknown
      readonly task?: string
    }
  | { readonly kind: 'cancel'; readonly task: string }
  /** The person chose or dropped these paths: the window may name them from now on, for these purposes. */
  | { readonly kind: 'grant'; readonly id: number; readonly paths: readonly NamedPath[] }
  /** Asks whether the window may name these paths, for a call that main answers itself. */
  | { readonly kind: 'check'; readonly id: number; readonly paths: readonly NamedPath[] }
  /** Stop what runs at its next safe point, close the database, end. */
  | { readonly kind: 'close'; readonly atCheckpoint: boolean }

export type FromWorkbench =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Answer }
  | { readonly kind: 'event'; readonly event: WindowEvent }
  /** It heard that it is to end: from now on it works towards that. */
  | { readonly kind: 'closing' }
  /** It has nothing left to do, and ends if nothing that is stuck keeps it. */
  | { readonly kind: 'closed' }
  /** A thread of the engine needs a process for tokenizers, or no longer. */
  | { readonly kind: 'startTokenizer' | 'endTokenizer'; readonly id: number }

/** What main tells of processes for tokenizers: that one was started, with the port at which it answers, or that it has ended. */
export type OfTokenizers =
  | { readonly kind: 'tokenizer'; readonly id: number }
  | { readonly kind: 'tokenizerEnded'; readonly id: number; readonly end: TokenizerEnded }

/** What the process is told as it starts. */
export interface WorkbenchInstallation {
  /** Directory of the database and of the run folders. */
  readonly home: string
  readonly version: string
  /** URL of the built thread main of the engine. */
  readonly workerUrl: string
  /** Directory of the sample model, texts and templates. */
  readonly resources: string
}

/** The process's end of the channel; Electron's parentPort, or a pair of ports in a test. */
export interface WorkbenchPort {
  send(message: FromWorkbench): void
  receive(listener: (message: ToWorkbench) => void): void
}
