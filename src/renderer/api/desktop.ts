import type { CallInput, CallName, CallOutput } from '../../shared/contract'
import type { DesktopApi } from '../../shared/contract/desktopApi'
import { AppError, deserializeError } from '../../shared/errors'

declare global {
  interface Window {
    readonly quail: DesktopApi
  }
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  /** Names the call, so that its progress can be told from others'. */
  readonly task?: string | undefined
}

/**
 * Asks for one thing of the contract. Nothing else in the window touches `window.quail`.
 *
 * @throws {AppError} what the other side reports; CANCELLED when the signal aborts
 */
export async function call<N extends CallName>(
  name: N,
  input: CallInput<N>,
  { signal, task = signal === undefined ? undefined : crypto.randomUUID() }: CallOptions = {}
): Promise<CallOutput<N>> {
  if (signal?.aborted) throw new AppError('CANCELLED', 'cancelled')
  const cancel = (): void => {
    if (task !== undefined) window.quail.cancel(task)
  }
  signal?.addEventListener('abort', cancel)
  try {
    const answer = await window.quail.call(name, input, task)
    if (!answer.ok) throw deserializeError(answer.error)
    return answer.value as CallOutput<N>
  } finally {
    signal?.removeEventListener('abort', cancel)
  }
}

type Listener = Parameters<DesktopApi['onEvent']>[0]

const listeners = new Set<Listener>()

/** Listens to everything that the window is told; one subscription serves all listeners of the page. */
export function onEvent(listener: Listener): () => void {
  if (listeners.size === 0) {
    unsubscribe = window.quail.onEvent((event) => {
      for (const one of listeners) one(event)
    })
  }
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0) unsubscribe()
  }
}

let unsubscribe = (): void => {}

/** Paths of dropped files and folders, granted from then on; empty for drops that carry no files. */
export const droppedPaths = (transfer: DataTransfer): Promise<string[]> =>
  window.quail.droppedPaths([...transfer.files])
