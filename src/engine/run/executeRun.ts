import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { localDay } from '../../shared/calendarDay'
import { AppError, serializeError } from '../../shared/errors'
import type { Perplexities, RunEventDraft, VariantResult } from '../../shared/runEvents'
import { type JournalEntry, type RowLosses, RUN_FILES, type RunOutcome, type RunRecord } from '../../shared/runFolder'
import { realTokens, type TokenRows } from '../calibration/rows'
import { writeFileAtomic } from '../formats/files'
import { LinearAlgebra } from '../graph/linearAlgebra'
import { EmbeddingRunner } from '../models/embeddingRunner'
import { embeddingGraph } from '../models/modelGraphs'
import { type BlockContext, blockStep } from './blockStep'
import { collectGarbage } from './collectGarbage'
import { evaluationShare } from './estimate'
import { evaluate } from './evaluate'
import { exportAdapters } from './exportAdapters'
import { factorsAreIntact } from './factorFiles'
import type { HiddenStates } from './hiddenStates'
import { appendJournal, readJournal, rewriteJournal } from './journal'
import { lockRun } from './lock'
import { hasLinears, outerLinears } from './outerLinears'
import { type PreparedRun, prepareRun } from './prepareRun'
import { perplexitiesOf } from './rowStatistics'
import { createStreams, evaluationStreams, restoreStreams, type Streams, sweepSpool } from './streams'
import { beganWith, noteTokens, tokenDigest } from './tokenDigest'
import { assertModelUnchanged } from './unchanged'
import { runWarnings } from './warnings'
import { isSmall, scanWeights } from './weightScan'

type Events<T = void> = AsyncGenerator<RunEventDraft, T>
type Outcome = Pick<RunOutcome, 'perplexity' | 'variants'>

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
    const { status, perplexity, variants, error } = outcome
    yield { type: 'finished', status, perplexity, variants, ...(error && { error }) }
  } finally {
    await unlock()
  }
}

async function* attempt(folder: string, record: RunRecord, signal: AbortSignal): Events<RunOutcome> {
  const stamp = { version: 1 as const, finishedAtMs: 0 }
  try {
    const outcome = yield* execute(folder, record, signal)
    return { ...stamp, status: 'completed', ...outcome, finishedAtMs: Date.now() }
  } catch (thrown) {
    const error = serializeError(signal.aborted ? new AppError('CANCELLED', 'cancelled') : thrown)
    const status = error.code === 'CANCELLED' ? 'cancelled' : 'failed'
    return { ...stamp, status, perplexity: {}, variants: [], error, finishedAtMs: Date.now() }
  }
}

async function* execute(folder: string, record: RunRecord, signal: AbortSignal): Events<Outcome> {
  yield { type: 'phaseStarted', phase: 'reading', total: 1, unit: 'checkpoint and texts' }
  // A record of an older version knows no day of its own: it goes on with that on which it was made.
  const today = localDay(record.createdAtMs)
  const prepared = await prepareRun(record.recipe, record, folder, { today })
  const algebra = new LinearAlgebra(record.recipe.device)
  const spool = join(folder, RUN_FILES.spool)
  await mkdir(spool, { recursive: true })
  await mkdir(join(folder, RUN_FILES.factors), { recursive: true })
  const streams = createStreams(prepared, spool)
  try {
    const finished = await resumePoint(folder, prepared, streams)
    yield planned(prepared, finished.length)
    for (const { code, message } of runWarnings(prepared)) yield { type: 'warning', code, message }
    await sweepSpool(spool, finished.at(-1)?.spool ?? [])
    if (finished.length === 0) {
      yield* scan(prepared, signal)
      yield* embed(prepared, streams, signal)
    }
    const journal = yield* runBlocks({ prepared, streams, algebra, folder, signal }, finished)
    const perplexity = yield* measure(folder, prepared, streams, signal)
    const variants: VariantResult[] = yield* exportAdapters(folder, record, prepared, journal, perplexity)
    return { perplexity, variants }
  } finally {
    for (const states of streams.all) await states.abandon()
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

/** Embeds all rows: generation 0 of every stream. Streams of evaluation rows that begin alike are embedded together. */
async function* embed(prepared: PreparedRun, streams: Streams, signal: AbortSignal): Events {
  const { architecture, weights, recipe } = prepared
  const total = streams.all.length
  yield { type: 'phaseStarted', phase: 'embedding', total, unit: 'sets of rows' }
  let done = 0
  for (const [quantizer, sets] of rowsToEmbed(prepared, streams)) {
    const outer = outerLinears(prepared, quantizer)
    const runner = await EmbeddingRunner.create(architecture, weights, recipe.context, recipe.device, outer)
    try {
      for (const { rows, alike } of sets) {
        await embedRows(runner, rows, alike, signal)
        done += alike.length
        yield { type: 'phaseProgress', phase: 'embedding', done, total }
      }
    } finally {
      await runner.release()
    }
  }
}

interface RowsToEmbed {
  readonly rows: TokenRows
  /** The streams that begin with them. */
  readonly alike: readonly HiddenStates[]
}

/** By the quantizer of a base; all under undefined, unless a linear before the first block is quantized. */
function rowsToEmbed(
  { architecture, recipe, calibration }: PreparedRun,
  streams: Streams
): Map<string | undefined, RowsToEmbed[]> {
  const graph = embeddingGraph(architecture, recipe.context)
  const byQuantizer = graph !== undefined && hasLinears(graph)
  const sets = new Map<string | undefined, RowsToEmbed[]>()
  sets.set(undefined, [{ rows: calibration, alike: [streams.calibration] }])
  const rows = streams.evaluation
  const own = evaluationStreams(streams)
  for (const key of new Set(own.map(({ quantizer }) => (byQuantizer ? quantizer : undefined)))) {
    const alike = own.filter(({ quantizer }) => !byQuantizer || quantizer === key).map(({ states }) => states)
    sets.set(key, [...(sets.get(key) ?? []), { rows, alike }])
  }
  return sets
}

/** Embeds rows once and writes them to every one of these streams. */
async function embedRows(
  runner: EmbeddingRunner,
  rows: TokenRows,
  streams: readonly HiddenStates[],
  signal: AbortSignal
): Promise<void> {
  const [first] = streams
  if (first === undefined) return
  for (const states of streams) await states.begin(0)
  for (let batch = 0; batch < first.batches; batch++) {
    signal.throwIfAborted()
    const [begin, end] = first.rowsOf(batch)
    const ids = rows.ids.subarray(begin * rows.context, end * rows.context)
    const hidden = await runner.run(ids, realTokens(rows, begin, end))
    for (const states of streams) await states.write(batch, hidden)
  }
  for (const states of streams) await states.finish()
}

/** Every block that is not finished yet; each counts from the moment its journal entry is on the disk. */
async function* runBlocks(context: BlockContext, finished: readonly JournalEntry[]): Events<JournalEntry[]> {
  const { prepared, streams, folder } = context
  const total = prepared.architecture.blocks
  const journal = [...finished]
  yield { type: 'phaseStarted', phase: 'blocks', total, unit: 'blocks' }
  if (finished.length > 0) yield { type: 'phaseProgress', phase: 'blocks', done: finished.length, total }
  for (let block = finished.length; block < total; block++) {
    const entry = yield* blockStep(context, block)
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
