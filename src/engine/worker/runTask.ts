import { basename } from 'node:path'
import { setImmediate as eventLoopTurn } from 'node:timers/promises'
import { AppError, type SerializedError, serializeError } from '../../shared/errors'
import type { MomentStore } from '../../shared/keptMoments'
import type { FinishedEvent, RunEvent, RunEventDraft } from '../../shared/runEvents'
import { executeRun } from '../run/executeRun'
import { readRecord } from './runRecord'

/**
 * Works on one run to its end and hands on its events, stamped with run, seq (from 0, without gaps) and time.
 *
 * Exactly one `finished` is emitted, as the last event, and returned.
 *
 * @param solverUrl - main of the threads that solve linears
 * @param moments - where second moments are kept from run to run
 * @throws {AppError} LOCKED, without any event, while another process works on the run: its events are its own
 */
export async function runTask(
  folder: string,
  signal: AbortSignal,
  emit: (event: RunEvent) => void,
  solverUrl?: URL,
  moments?: MomentStore
): Promise<FinishedEvent> {
  const run = basename(folder)
  let seq = 0
  let last: RunEvent | undefined
  for await (const draft of draftsOf(folder, signal, solverUrl, moments)) {
    last = { ...draft, run, seq: seq++, atMs: Date.now() }
    emit(last)
    await eventLoopTurn() // a thread busy with arithmetic reads no messages: let a cancel arrive
  }
  if (last?.type === 'finished') return last
  throw new AppError('INTERNAL', 'the run ended without a result')
}

/** The drafts of the run, whose last is `finished` also when the run breaks before it can say so. */
async function* draftsOf(
  folder: string,
  signal: AbortSignal,
  solverUrl?: URL,
  moments?: MomentStore
): AsyncGenerator<RunEventDraft, void> {
  let finished = false
  try {
    for await (const draft of executeRun(folder, await readRecord(folder), signal, solverUrl, moments)) {
      finished = draft.type === 'finished'
      yield draft
    }
    if (!finished) throw new AppError('INTERNAL', 'the run ended without a result')
  } catch (error) {
    if (finished) return
    if (error instanceof AppError && error.code === 'LOCKED') throw error
    yield failedDraft(serializeError(error))
  }
}

/** The last event of a run that could not end by itself. */
const failedDraft = (error: SerializedError): Extract<RunEventDraft, { type: 'finished' }> => ({
  type: 'finished',
  status: error.code === 'CANCELLED' ? 'cancelled' : 'failed',
  perplexity: {},
  variants: [],
  error
})
