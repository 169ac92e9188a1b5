import { join, resolve } from 'node:path'
import { badInput } from '../../shared/errors'
import type { Recipe } from '../../shared/recipe'
import type { FinishedEvent } from '../../shared/runEvents'
import { memberRecipe, placeFolder, runsOf, type SweepDefinition, type SweepSet } from '../../shared/sweep'
import { runsByIndex, type Sweep } from '../../shared/sweep/results'
import type { InsertOptions } from '../../store/runs'
import { findSweepName, listSweepRuns, renameSweep as renameStoredSweep, unknownSweep } from '../../store/sweeps'
import { deletedBytes, deleteWithUndo } from '../deletions'
import { newRunId } from '../runId'
import { keepRunLabels } from '../runLabels'
import { assertNotWorkedOn, createRun, deleteRun, getRun, type RunOptions, resumeRun, startRun } from '../runService'
import type { Services } from '../services'

/** What a new sweep is asked to be. */
export interface SweepRequest {
  readonly name: string
  readonly out: (id: string) => string
  readonly sets: readonly SweepSet[]
  readonly seeds: number
  /** Label of each evaluation text, in their order. */
  readonly evaluation: readonly string[]
}

/**
 * The definition of a new sweep; nothing is stored before its first run is made.
 *
 * @throws {AppError} BAD_INPUT for calibration sets of one label
 */
export function defineSweep({ name, out, sets, seeds, evaluation }: SweepRequest): SweepDefinition {
  const labels = sets.map(({ label }) => label)
  const twice = labels.find((label, i) => labels.indexOf(label) !== i)
  if (twice !== undefined)
    throw badInput(`two calibration texts are of the kind "${twice}"; tell them apart as LABEL=FILE`)
  const id = newRunId(name)
  return { id, name, out: resolve(out(id)), sets: [...sets], seeds, evaluation: [...evaluation] }
}

/** Makes the run of an index, of a recipe of any run of the sweep. */
export async function createMember(
  services: Services,
  recipe: Recipe,
  definition: SweepDefinition,
  index: number,
  options: InsertOptions = {}
): Promise<string> {
  const out = join(definition.out, placeFolder(definition, index))
  // Whoever renamed the sweep while it is worked on means the runs to come, too.
  const present = { ...definition, name: (await findSweepName(services.store, definition.id)) ?? definition.name }
  const sweep = { index, definition: present }
  const { id } = await createRun(services, memberRecipe(recipe, present, index), () => out, { ...options, sweep })
  return id
}

/** Works on one run of a sweep: shows it, and calls `execute`. */
export type WorkOnRun = (
  index: number,
  id: string,
  execute: (options: RunOptions) => Promise<FinishedEvent>
) => Promise<FinishedEvent>

/**
 * Works on the runs of a sweep that are not completed, one after the other: makes those that are not there, goes on with
 * those that were begun. It ends early with a run that was cancelled or failed.
 *
 * @param recipe - of any run of the sweep
 * @returns how the last run ended that was worked on; undefined where none was left
 * @throws {AppError} as `resumeRun`
 */
export async function executeSweep(
  services: Services,
  recipe: Recipe,
  { definition, runs }: Pick<Sweep, 'definition' | 'runs'>,
  work: WorkOnRun
): Promise<FinishedEvent | undefined> {
  const known = runsByIndex(runs)
  let last: FinishedEvent | undefined
  for (let index = 0; index < runsOf(definition); index++) {
    const present = known.get(index)
    if (present?.status === 'completed') continue
    const id = present?.id ?? (await createMember(services, recipe, definition, index))
    const execute = present === undefined ? startRun : resumeRun
    last = await work(index, id, (options) => execute(services, id, options))
    if (last.status !== 'completed') return last
  }
  return last
}

/** The recipe of which the runs of a sweep that is there are made. */
export async function recipeOfSweep(services: Services, { runs }: Pick<Sweep, 'runs'>): Promise<Recipe> {
  const { record } = await getRun(services, (runs[0] as Sweep['runs'][number]).id)
  return record.recipe
}

/**
 * Gives a sweep another name, and its runs theirs (`store/sweeps.ts`), also for a rebuild of the database.
 *
 * @throws {AppError} BAD_INPUT when there is no such sweep; IO when a run folder cannot be written
 */
export async function renameSweep(services: Services, id: string, name: string): Promise<void> {
  for (const run of await renameStoredSweep(services.store, id, name)) await keepRunLabels(services, run)
}

/** What the deletion of a sweep takes along. */
export async function previewSweepDeletion(services: Services, id: string): Promise<{ runs: number; bytes: number }> {
  return deletedBytes(services, { runs: (await membersOf(services, id)).map(({ run }) => run.id) })
}

/**
 * Deletes a sweep, that is all of its runs, in a way that can be undone for ten minutes. Adapters and report stay.
 *
 * @returns the id for `undoDeletion`
 * @throws {AppError} BAD_INPUT when there is no such sweep, LOCKED while one of its runs is worked on
 */
export async function deleteSweep(services: Services, id: string): Promise<string> {
  const members = await membersOf(services, id)
  const name = members[0]?.member.definition.name
  return deleteWithUndo(services, `the sweep ${name}`, { runs: members.map(({ run }) => run.id) })
}

/**
 * Deletes a sweep for good, that is all of its runs with their folders. Adapters and report stay.
 *
 * @returns the runs, and what the sweep was called
 * @throws {AppError} as `deleteSweep`; nothing is deleted then
 */
export async function deleteSweepForGood(
  services: Services,
  id: string
): Promise<{ readonly definition: SweepDefinition; readonly runs: string[] }> {
  const members = await membersOf(services, id)
  const runs = members.map(({ run }) => run.id)
  for (const run of runs) await assertNotWorkedOn(services, run)
  for (const run of runs) await deleteRun(services, run)
  return { definition: (members[0] as (typeof members)[number]).member.definition, runs }
}

async function membersOf({ store }: Services, id: string) {
  const members = await listSweepRuns(store, id)
  if (members.length === 0) throw unknownSweep(id)
  return members
}
