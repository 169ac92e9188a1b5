import { setImmediate as eventLoopTurn } from 'node:timers/promises'

/** A thread busy with arithmetic reads no messages: lets a cancel arrive, and obeys it. */
export async function stopHere(signal?: AbortSignal): Promise<void> {
  await eventLoopTurn()
  signal?.throwIfAborted()
}
