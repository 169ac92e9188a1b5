import type { MessagePort } from 'node:worker_threads'
import type { EngineApi, EngineMethod } from '../../shared/engineApi'
import type { SerializedError } from '../../shared/errors'
import type { TextInWork } from '../../shared/progress'
import type { RunEvent } from '../../shared/runEvents'
import type { WorkClock } from '../formats/workWatch'

/*
 * What crosses the boundary of the engine's thread. Every message carries the number of its request; one `start` is
 * answered by any number of `event` (runs only) or `progress`, and then by exactly one `done` or `failed`.
 */

/** What each thread of an engine is given when it starts. */
export interface ThreadData {
  /** Memory that all of them share. */
  readonly deviceLocks: SharedArrayBuffer
  readonly cudaFolder?: string | undefined
}

/** Asks for one entry of the engine's contract; the input's type follows from the method. */
export type StartMessage = {
  [M in EngineMethod]: { readonly kind: 'start'; readonly id: number; readonly method: M; readonly input: InputOf<M> }
}[EngineMethod]

export type ToEngine =
  | StartMessage
  | { readonly kind: 'cancel'; readonly id: number }
  /** Nothing will be asked any more: the thread ends when it has answered what it was asked. */
  | { readonly kind: 'close' }

export type FromEngine =
  /** First of all. */
  | { readonly kind: 'started'; readonly clock: WorkClock }
  | { readonly kind: 'event'; readonly id: number; readonly event: RunEvent }
  | {
      readonly kind: 'progress'
      readonly id: number
      readonly done: number
      readonly total: number | null
      readonly text?: TextInWork | undefined
    }
  | { readonly kind: 'done'; readonly id: number; readonly output: OutputOf<EngineMethod> }
  | { readonly kind: 'failed'; readonly id: number; readonly error: SerializedError }
  /** Asks for a process for tokenizers, which answers at this port until it is closed. */
  | { readonly kind: 'tokenizer'; readonly port: MessagePort }

export type InputOf<M extends EngineMethod> = EngineApi[M]['input']
export type OutputOf<M extends EngineMethod> = EngineApi[M]['output']
