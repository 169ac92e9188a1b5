import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { localDay } from '../../shared/calendarDay'
import { AppError, serializeError } from '../../shared/errors'
import type { Perplexities, RunEventDraft, VariantResult } from '../../shared/runEvents'
import { type JournalEntry, type RowLosses, RUN_FILES, type RunOutcome, type RunRecord } from '../../shared/runFolder'
import { writeFileAtomic } from '../formats/files'
import { LinearAlgebra } from '../graph/linearAlgebra'
import { BlockRunner } from '../models/blockRunner'
import { evaluationShare } from '../plan/estimate'
import type { PreparedRun } from '../prepare/preparedRun'
import { prepareRun } from '../prepare/prepareRun'
import { runWarnings } from '../prepare/warnings'
import { isSmall, scanWeights } from '../prepare/weightScan'
import { type BlockContext, blockStep } from './blockStep'
import { collectGarbage } from './collectGarbage'
import { deviceFailureOf, onDeviceOf, type Place, placeOfBlock } from './deviceFailure'
import { embed } from './embedRows'
import { evaluate } from './evaluate'
import { exportAdapters } from './exportAdapters'
import { factorsAreIntact } from './factorFiles'
import { appendJournal, readJournal, rewriteJournal } from './journal'
import { lockRun } from './lock'
import { assertModelUnchanged } from './modelUnchanged'
import { perplexitiesOf } from './rowStatistics'
import { createStreams, restoreStreams, type Streams, sweepSpool } from './streams'
import { beganWith, noteTokens, tokenDigest } from './tokenDigest'

type Events<T = void> = AsyncGenerator<RunEventDraft, T>
type Outcome = Pick<RunOutcome, 'perplexity' | 'variants' | 'deviceFailure'>

/**
 * Executes a run from its folder, from the start or from the block after the last finished one.
 *
 * Whatever happens after the lock is taken, the last event is one `finished`; `result.json` says the same. A cancelled or
 * failed run keeps its journal and hidden states and can be executed again.
 *
 * @throws {AppError} LOCKED, before any event, while another process works on the run
 */
export async function* executeRun(folder: string, record: RunRecord, signal: AbortSignal): Events {
  const unlock = await lockRun(folder)
  try {
    await rm(join(folder, RUN_FILES.outcome), { force: true }) // what an earlier attempt ended with no longer holds
    const outcome = yield* attempt(folder, record, signal)
    await writeFileAtomic(join(folder, RUN_FILES.outcome), `${JSON.stringify(outcome, null, 2)}\n`)
    if (outcome.status === 'completed') await rm(join(folder, RUN_FILES.spool), { recursive: true, force: true })
    const { version: _, finishedAtMs: __, ...told } = outcome
    yield { type: 'finished', ...told }
  } finally {
    await unlock()
  }
}

async function* attempt(folder: string, record: RunRecord, signal: AbortSignal): Events<RunOutcome> {
  const stamp = { version: 1 as const, finishedAtMs: 0 }
  try {
    const outcome = yield* onDeviceOf(record.recipe, (place) => execute(folder, record, place, signal))
    return { ...stamp, status: 'completed', ...outcome, finishedAtMs: Date.now() }
  } catch (thrown) {
    const error = serializeError(signal.aborted ? new AppError('CANCELLED', 'cancelled') : thrown)
    const status = error.code === 'CANCELLED' ? 'cancelled' : 'failed'
    return { ...stamp, status, perplexity: {}, variants: [], error, finishedAtMs: Date.now() }
  }
}

async function* execute(folder: string, record: RunRecord, place: Place, signal: AbortSignal): Events<Outcome> {
  yield { type: 'phaseStarted', phase: 'reading', total: 1, unit: 'checkpoint and texts' }
  // A record of an older version knows no day of its own: it goes on with that on which it was made.
  const today = localDay(record.createdAtMs)
  const prepared = await prepareRun({ ...record.recipe, device: place.device }, record, folder, { today })
  const { architecture, recipe } = prepared
  const runner = new BlockRunner(architecture, recipe.context, recipe.device)
  const algebra = new LinearAlgebra(recipe.device)
  const spool = join(folder, RUN_FILES.spool)
  await mkdir(spool, { recursive: true })
  await mkdir(join(folder, RUN_FILES.factors), { recursive: true })
  const streams = createStreams(prepared, spool)
  try {
    const finished = await resumePoint(folder, prepared, streams)
    yield planned(prepared, finished.length)
    // The same warnings were given before a device failed.
    const warnings = place.failure === undefined ? runWarnings(prepared) : []
    for (const { code, message } of warnings) yield { type: 'warning', code, message }
    await sweepSpool(spool, finished.at(-1)?.spool ?? [])
    if (finished.length === 0) {
      yield* scan(prepared, signal)
      yield* embed(prepared, streams, signal)
    }
    const journal = yield* runBlocks({ prepared, runner, streams, algebra, folder, signal }, place, finished)
    const perplexity = yield* measure(folder, prepared, streams, signal)
    const deviceFailure = deviceFailureOf(record.recipe.device, journal, place)
    const results = { perplexity, ...(deviceFailure && { deviceFailure }) }
    const variants: VariantResult[] = yield* exportAdapters(folder, record, prepared, journal, results)
    return { ...results, variants }
  } finally {
    for (const states of streams.all) await states.abandon()
    await runner.release()
    await algebra.release()
    await prepared.release()
  }
}

/**
 * The finished blocks whose factors and hidden states are all intact; none when the last ones are not, or when the tokens
 * are others than those that the run began with.
 */
async function resumePoint(folder: string, prepared: PreparedRun, streams: Streams): Promise<JournalEntry[]> {
  const journal = await readJournal(folder)
  const last = journal.at(-1)
  const tokens = tokenDigest(prepared)
  if (last === undefined || !(await beganWith(folder, tokens))) {
    const none = await restart(folder)
    await noteTokens(folder, tokens) // last: no block of other tokens may stand beside it
    return none
  }
  await assertModelUnchanged(prepared, last)
  for (const entry of journal) if (!(await factorsAreIntact(folder, entry))) return restart(folder)
  if (!(await restoreStreams(streams, last))) return restart(folder)
  await rewriteJournal(folder, journal)
  return journal
}

/** Files were lost (a power failure, a full disk), or are of another version: the whole work is done again. */
async function restart(folder: string): Promise<JournalEntry[]> {
  await rewriteJournal(folder, [])
  return []
}

/** Looks for values that no computation can continue with; of a small model that is done when it is opened. */
async function* scan(prepared: PreparedRun, signal: AbortSignal): Events {
  if (isSmall(prepared.checkpoint)) return
  for await (const done of scanWeights(prepared, signal))
    yield { type: 'phaseProgress', phase: 'reading', done, total: 1 }
}

function planned(prepared: PreparedRun, resumedBlocks: number): RunEventDraft {
  return {
    type: 'planned',
    blocks: prepared.architecture.blocks,
    linears: prepared.linears.length,
    parameters: prepared.checkpoint.parameters,
    calibrationTokens: prepared.calibration.tokenCount,
    evaluationTokens: prepared.evaluation.reduce((sum, { rows }) => sum + rows.tokenCount, 0),
    variants: prepared.variants.map(({ name }) => name),
    resumedBlocks,
    evaluationShare: evaluationShare(prepared)
  }
}

/** Every block that is not finished yet; each counts from the moment its journal entry is on the disk. */
async function* runBlocks(
  context: BlockContext,
  place: Place,
  finished: readonly JournalEntry[]
): Events<JournalEntry[]> {
  const { prepared, streams, folder } = context
  const total = prepared.architecture.blocks
  const journal = [...finished]
  yield { type: 'phaseStarted', phase: 'blocks', total, unit: 'blocks' }
  if (finished.length > 0) yield { type: 'phaseProgress', phase: 'blocks', done: finished.length, total }
  for (let block = finished.length; block < total; block++) {
    const entry = { ...(yield* blockStep(context, block)), ...placeOfBlock(place) }
    await appendJournal(folder, entry)
    journal.push(entry)
    for (const states of streams.all) await states.dropPrevious()
    collectGarbage()
    yield { type: 'blockFinished', block, total, durationMs: entry.durationMs }
  }
  return journal
}

/** Perplexities of every evaluation text; the sums of their rows stay in the run's folder. */
async function* measure(
  folder: string,
  prepared: PreparedRun,
  streams: Streams,
  signal: AbortSignal
): Events<Record<string, Perplexities>> {
  if (prepared.evaluation.length === 0) return {}
  const texts = yield* evaluate(prepared, streams, signal)
  const rows: RowLosses = { version: 1, texts }
  await writeFileAtomic(join(folder, RUN_FILES.rows), `${JSON.stringify(rows)}\n`)
  const bases = new Map(prepared.variants.map(({ name, quantizer }) => [name, quantizer]))
  const perplexity: Record<string, Perplexities> = {}
  for (const [file, sums] of Object.entries(texts)) {
    const measured = perplexitiesOf(sums, bases)
    perplexity[file] = measured
    yield { type: 'evaluated', file, perplexity: measured }
  }
  return perplexity
}
