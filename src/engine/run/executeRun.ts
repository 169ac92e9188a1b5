import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { localDay } from '../../shared/calendarDay'
import { AppError, serializeError } from '../../shared/errors'
import type { MomentStore } from '../../shared/keptMoments'
import { count } from '../../shared/plural'
import type { Perplexities, RunEventDraft, VariantResult } from '../../shared/runEvents'
import {
  type JournalEntry,
  RowLosses,
  RUN_FILES,
  type RunOutcome,
  type RunRecord,
  solvedBlocks
} from '../../shared/runFolder'
import { coverage } from '../calibration/coverage'
import { makeFolder, writeFileAtomic } from '../formats/files'
import { BlockRunner } from '../models/blockRunner'
import { readBlockWeights } from '../models/blockWeights'
import { graphLimit } from '../models/graphLimit'
import { ExpertMemory } from '../models/keptExperts'
import { neededDisk } from '../plan/disk'
import { choiceShare, curvatureShare, evaluationShare, refinementShare } from '../plan/estimate'
import { asksForCurvature, asksHeldOutRows, type PreparedRun } from '../prepare/preparedRun'
import { prepareRun } from '../prepare/prepareRun'
import { tokenizedEnough } from '../prepare/tokenizedApart'
import { runWarnings } from '../prepare/warnings'
import { blockSolver } from '../solve/blockSolvers'
import { chooseRows } from './chooseRows'
import { deviceFailureOf, onDeviceOf, type Place } from './deviceFailure'
import { type DeviceRoom, deviceRoom } from './deviceRoom'
import { exportAdapters } from './exportAdapters'
import { lockRun } from './lock'
import { assertModelOfRun, tellReplaced } from './modelUnchanged'
import { MomentKeeper } from './momentKeeper'
import type { Events, RunContext } from './pass'
import { refinedIn } from './refinePass'
import { perplexitiesOf } from './rowStatistics'
import { resumePoint, runPasses } from './runPasses'
import { createStreams, memoryLeft, type Streams } from './streams'
import { WeightsAhead } from './weightsAhead'
import { assertWeightsFit } from './weightsFit'

type Outcome = Pick<RunOutcome, 'perplexity' | 'variants' | 'deviceFailure'>

/**
 * Executes a run from its folder, from the start or from the block after the last finished one.
 *
 * Whatever happens after the lock is taken, the last event is one `finished`; `result.json` says the same. A cancelled or
 * failed run keeps its journal and hidden states and can be executed again.
 *
 * @param solverUrl - main of the threads that solve linears; left out, this thread does
 * @param moments - where second moments are kept from run to run; left out, they are not
 * @throws {AppError} LOCKED, before any event, while another process works on the run
 */
export async function* executeRun(
  folder: string,
  record: RunRecord,
  signal: AbortSignal,
  solverUrl?: URL,
  moments?: MomentStore
): Events {
  const unlock = await lockRun(folder)
  try {
    await rm(join(folder, RUN_FILES.outcome), { force: true }) // what an earlier attempt ended with no longer holds
    const outcome = yield* attempt({ folder, record, signal, solverUrl, moments })
    await writeFileAtomic(join(folder, RUN_FILES.outcome), `${JSON.stringify(outcome, null, 2)}\n`)
    if (outcome.status === 'completed') await rm(join(folder, RUN_FILES.spool), { recursive: true, force: true })
    const { version: _, finishedAtMs: __, ...told } = outcome
    yield { type: 'finished', ...told }
  } finally {
    await unlock()
  }
}

interface Task {
  readonly folder: string
  readonly record: RunRecord
  readonly signal: AbortSignal
  readonly solverUrl: URL | undefined
  readonly moments: MomentStore | undefined
}

async function* attempt(task: Task): Events<RunOutcome> {
  const { record, signal } = task
  const stamp = { version: 1 as const, finishedAtMs: 0 }
  try {
    const outcome = yield* onDeviceOf(record.recipe, (place) => execute(task, place))
    return { ...stamp, status: 'completed', ...outcome, finishedAtMs: Date.now() }
  } catch (thrown) {
    const error = serializeError(signal.aborted ? new AppError('CANCELLED', 'cancelled') : thrown)
    const status = error.code === 'CANCELLED' ? 'cancelled' : 'failed'
    return { ...stamp, status, perplexity: {}, variants: [], error, finishedAtMs: Date.now() }
  }
}

async function* execute({ folder, record, signal, solverUrl, moments }: Task, place: Place): Events<Outcome> {
  yield { type: 'phaseStarted', phase: 'reading', total: 1, unit: 'checkpoints' }
  // A record of an older version knows no day of its own: it goes on with that on which it was made.
  const today = localDay(record.createdAtMs)
  const asked = await prepareRun({ ...record.recipe, device: place.device }, record, folder, { today, signal })
  const { runner, room } = await runnerOf(asked)
  const solver = blockSolver(asked, solverUrl)
  const spool = join(folder, RUN_FILES.spool)
  await makeFolder(spool)
  await makeFolder(join(folder, RUN_FILES.factors))
  let streams: Streams | undefined
  try {
    const chosen = await chooseRows({ prepared: asked, runner, signal }, folder)
    tokenizedEnough()
    await assertWeightsFit(chosen)
    streams = createStreams(chosen, spool, room.states)
    const journal: JournalEntry[] = []
    const experts = new ExpertMemory(memoryLeft(chosen, streams))
    const read = (block: number) => readBlockWeights(chosen.weights, chosen.parts, block, experts, runner.takesBits)
    const ahead = new WeightsAhead(read)
    const begun = { prepared: chosen, runner, streams, experts, ahead, solver, folder, signal, journal }
    journal.push(...(yield* resumePoint(begun)))
    const context = await withMoments(begun, record, place, moments)
    const { prepared } = context
    yield planned(prepared, solvedBlocks(journal).length)
    // The same warnings were given before a device failed.
    const warnings = place.failure === undefined ? runWarnings(prepared, record) : []
    for (const { code, message, severity } of warnings)
      yield { type: 'warning', code, message, ...(severity === 'info' && { severity }) }
    yield* runPasses(context, place)
    const perplexity = yield* measured(context)
    signal.throwIfAborted()
    const deviceFailure = deviceFailureOf(record.recipe.device, journal, place)
    await assertModelOfRun(prepared, folder, signal, solvedBlocks(journal))
    yield* tellReplaced(prepared)
    const results = { perplexity, ...(deviceFailure && { deviceFailure }) }
    const variants: VariantResult[] = yield* exportAdapters(folder, record, prepared, journal, results)
    return { ...results, variants }
  } finally {
    for (const states of streams?.all ?? []) await states.abandon()
    await runner.release()
    await solver.close()
    await asked.release()
  }
}

/** What computes blocks, with graphs that the device has tensors for, and what has room there. @throws {AppError} DEVICE */
async function runnerOf(asked: PreparedRun): Promise<{ readonly runner: BlockRunner; readonly room: DeviceRoom }> {
  const { architecture, parts, recipe } = asked
  const { context, device } = recipe
  try {
    const room = await deviceRoom(asked)
    const tensorLimit = await graphLimit(parts, context, device)
    return { runner: new BlockRunner(architecture, context, device, tensorLimit, room.experts), room }
  } catch (error) {
    await asked.release()
    throw error
  }
}

/** The same with what becomes of second moments; nothing does where not all blocks are computed on the recipe's device. */
async function withMoments(
  context: RunContext,
  record: RunRecord,
  place: Place,
  store: MomentStore | undefined
): Promise<RunContext> {
  const { prepared, runner, journal } = context
  if (deviceFailureOf(record.recipe.device, journal, place) !== undefined) return context
  const solved = solvedBlocks(journal)
  if (solved.length === prepared.architecture.blocks) return context
  const { keeper, kept } = await MomentKeeper.open({ prepared, runner, record }, store, solved, neededDisk(prepared))
  return { ...context, keeper, prepared: { ...prepared, keptMoments: kept } }
}

function planned(prepared: PreparedRun, resumedBlocks: number): RunEventDraft {
  return {
    type: 'planned',
    blocks: prepared.architecture.blocks,
    linears: prepared.linears.length,
    parameters: prepared.checkpoint.parameters,
    calibrationTokens: prepared.calibration.tokenCount,
    ...(prepared.enoughRows && { enoughRows: prepared.enoughRows }),
    ...(prepared.keptMoments && { moments: prepared.keptMoments }),
    evaluationTokens: prepared.evaluation.reduce((sum, { rows }) => sum + rows.tokenCount, 0),
    variants: prepared.variants.map(({ name }) => name),
    resumedBlocks,
    evaluationShare: evaluationShare(prepared),
    ...(asksForCurvature(prepared) && { curvatureShare: curvatureShare(prepared) }),
    ...(asksHeldOutRows(prepared) && { choiceShare: choiceShare(prepared) }),
    ...refinementsOf(prepared)
  }
}

function refinementsOf(prepared: PreparedRun) {
  const refinements = refinedIn(prepared).map(({ variant, settings }) => ({
    variant: variant.name,
    steps: settings.steps
  }))
  return refinements.length > 0 && { refinementShare: refinementShare(prepared), refinements }
}

/** Perplexities of every evaluation text, from the sums of their rows in the run's folder. */
async function* measured({ folder, prepared }: RunContext): Events<Record<string, Perplexities>> {
  if (prepared.evaluation.length === 0) return {}
  const { texts } = RowLosses.parse(JSON.parse(await readFile(join(folder, RUN_FILES.rows), 'utf8')))
  const bases = new Map(prepared.variants.map(({ name, quantizer }) => [name, quantizer]))
  const covered = new Map(prepared.evaluation.map(({ name, rows }) => [name, coverage(prepared.calibration, rows)]))
  const perplexity: Record<string, Perplexities> = {}
  for (const [file, sums] of Object.entries(texts)) {
    const share = covered.get(file)
    const found = { ...perplexitiesOf(sums, bases), ...(share !== undefined && { coverage: share }) }
    perplexity[file] = found
    yield { type: 'evaluated', file, perplexity: found }
    yield* tellWorseThanGuessed(prepared, file, found)
  }
  return perplexity
}

/** Weights beside the tokenizer of another model give figures like any other, only that none of them means anything. */
function* tellWorseThanGuessed(
  { architecture: { vocabularySize } }: PreparedRun,
  file: string,
  { fullPrecision }: Perplexities
): Generator<RunEventDraft> {
  if (!(fullPrecision > vocabularySize)) return
  const found = `full precision has a perplexity of ${count(Math.round(fullPrecision))}`
  const message = `${file}: ${found}, worse than a blind guess among its ${count(vocabularySize)} tokens: look whether tokenizer and weights are of one model, and whether the text is one that it can know`
  yield { type: 'warning', code: 'WORSE_THAN_GUESSED', message }
}
