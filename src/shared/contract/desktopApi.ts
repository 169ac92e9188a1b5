import type { Answer } from './call'
import type { WindowEvent } from './events'

/*
 * What the preload offers the page as `window.quail`. Types and channel names only, so that nothing else ends up in the
 * preload's one small file; what may be called, and with what, says the contract.
 */
export interface DesktopApi {
  /** `task` names a call whose progress is wanted, or that may be cancelled. */
  call(name: string, input: unknown, task?: string): Promise<Answer>
  cancel(task: string): void
  /** Listens to everything that the window is told; returns the function that stops it. */
  onEvent(listener: (event: WindowEvent) => void): () => void
  /** The paths of files that the person dropped, granted from then on. Files made by the page have none. */
  droppedPaths(files: readonly DroppedFile[]): Promise<string[]>
}

/** A browser's File, of which this folder, that runs anywhere, knows only what all have. */
export interface DroppedFile {
  readonly name: string
  readonly size: number
}

/** One IPC channel each; both sides spell it out, and this type holds them to the same word. */
export interface DesktopChannels {
  readonly call: 'quail.call'
  readonly cancel: 'quail.cancel'
  readonly event: 'quail.event'
  readonly dropped: 'quail.dropped'
}
