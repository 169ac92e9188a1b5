import type { MessagePort } from 'node:worker_threads'
import type { ExitCode } from './grammar/command'
import type { Style } from './output/terminal'

/*
 * What crosses the boundary between the process, which hears signals and writes, and the thread that works on the command.
 */

/** What the thread is given when it starts. */
export interface CommandData {
  readonly args: readonly string[]
  /** Where lines may be redrawn, and how wide they are. */
  readonly live: boolean
  readonly width: number
}

export type FromCommand =
  | { readonly kind: 'print'; readonly line: string; readonly style: Style | undefined }
  | { readonly kind: 'note'; readonly line: string }
  | { readonly kind: 'draw'; readonly line: string }
  /** From now on the wish to stop is heard, and answered. */
  | { readonly kind: 'listen' }
  /** Asks for a process for tokenizers, which answers at this port until it is closed. */
  | { readonly kind: 'tokenizer'; readonly port: MessagePort }
  | { readonly kind: 'ended'; readonly code: ExitCode }

export type ToCommand = { readonly kind: 'stop' } | { readonly kind: 'width'; readonly width: number }
