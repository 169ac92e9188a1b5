import { type JournalEntry, solvedBlocks } from '../../shared/runFolder'
import { collectArrays } from '../graph/collectGarbage'
import type { PreparedRun } from '../prepare/preparedRun'
import { changedSince, noteBeginning } from './beginning'
import { type Place, placeOfStep } from './deviceFailure'
import { appendJournal, readJournal, rewriteJournal, type Step } from './journal'
import { assertBlockInPlace, assertModelUnchanged, noteWeights } from './modelUnchanged'
import { numericsDigest } from './numericsDigest'
import type { Events, Pass, RunContext } from './pass'
import { PASSES } from './passes'
import { recipeDigest } from './recipeDigest'
import { sweepRefinements } from './sweepRefinements'
import { tokenDigest } from './tokenDigest'

/** Every step of a run that is not in its journal yet; each counts from the moment its entry is on the disk. */
export async function* runPasses(context: RunContext, place: Place): Events {
  for (const pass of PASSES) {
    const own = context.journal.filter((entry) => entry.pass === pass.name).length
    const left = pass.blocks(context.prepared).slice(own)
    if (left.length === 0) continue
    try {
      yield* pass.begin(context, own)
      for (const block of left) yield* runStep(context, place, pass, block)
    } finally {
      await pass.end?.(context)
    }
  }
}

async function* runStep(context: RunContext, place: Place, pass: Pass, block: number): Events {
  const entry: JournalEntry = { ...(yield* pass.step(context, block)), ...placeOfStep(place) }
  await assertBlockInPlace(context.prepared, context.folder, block)
  await appendJournal(context.folder, entry)
  context.journal.push(entry)
  yield* pass.settle(context, entry)
  collectArrays()
}

const stepsOf = (prepared: PreparedRun): Step[] =>
  PASSES.flatMap((pass) => pass.blocks(prepared).map((block) => ({ pass: pass.name, block })))

/**
 * The finished steps whose files are all intact, after a look at the model; none when tokens, recipe or numerics are others
 * than those that the run began with. Those that are not go from the journal: they are done again.
 */
export async function* resumePoint(context: RunContext): Events<JournalEntry[]> {
  const { folder, prepared, signal } = context
  const journal = await readJournal(folder, stepsOf(prepared))
  const now = { tokens: tokenDigest(prepared), recipe: recipeDigest(prepared.recipe), numerics: numericsDigest() }
  const changed = await changedSince(folder, now)
  if (journal.length === 0 || changed !== undefined) {
    if (journal.length > 0) yield { type: 'warning', code: 'BEGUN_ANEW', message: `the run begins anew: ${changed}` }
    await rewriteJournal(folder, [])
    await sweepRefinements(folder, [])
    yield* noteWeights(prepared, folder, signal)
    await noteBeginning(folder, now)
    return []
  }
  yield* assertModelUnchanged(prepared, folder, signal, solvedBlocks(journal))
  const intact = await restore(context, journal)
  await rewriteJournal(folder, intact)
  await sweepRefinements(folder, intact) // last: the journal no longer names what goes
  return intact
}

/** Files can be lost (a power failure, a full disk) or be of another version: a pass whose files are begins anew. */
async function restore(context: RunContext, journal: readonly JournalEntry[]): Promise<JournalEntry[]> {
  const intact: JournalEntry[] = []
  for (const pass of PASSES) {
    if (pass.blocks(context.prepared).length === 0) continue
    const own = journal.filter((entry) => entry.pass === pass.name)
    if (own.length === 0 || !(await pass.restore(context, own))) break
    intact.push(...own)
  }
  return intact
}
