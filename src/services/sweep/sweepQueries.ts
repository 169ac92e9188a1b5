import { badInput } from '../../shared/errors'
import { groupBy } from '../../shared/groupBy'
import { placeOf, runsOf } from '../../shared/sweep'
import { runsByIndex, type Sweep, type SweptRun } from '../../shared/sweep/results'
import { treatmentOf } from '../../shared/treatment'
import { type RunSettings, readRunSettings } from '../../store/comparison'
import { findSweepIds, listSweepRuns, type StoredSweepRun, unknownSweep } from '../../store/sweeps'
import { statusOf } from '../runService'
import type { Services } from '../services'

/** All sweeps of which a run is left, the newest first. */
export async function listSweeps(services: Services): Promise<Sweep[]> {
  const stored = groupBy(await listSweepRuns(services.store), ({ member }) => member.definition.id)
  const sweeps = await Promise.all([...stored.values()].map((runs) => sweepOf(services, runs)))
  return sweeps.sort((a, b) => b.createdAtMs - a.createdAtMs)
}

/**
 * One sweep by its id, or by the beginning of it where only one sweep's id begins so.
 *
 * @throws {AppError} BAD_INPUT when there is none, or its runs do not belong together
 */
export async function getSweep(services: Services, beginning: string): Promise<Sweep> {
  const id = await completeSweepId(services, beginning)
  const runs = await listSweepRuns(services.store, id)
  await assertAlike(services, runs)
  return sweepOf(services, runs)
}

/**
 * The id of the one sweep whose id is this, or begins so.
 *
 * @throws {AppError} BAD_INPUT when there is none, or several
 */
export async function completeSweepId({ store }: Services, beginning: string): Promise<string> {
  const [id, ...others] = await findSweepIds(store, beginning)
  if (id === undefined) throw unknownSweep(beginning)
  if (others.length === 0) return id
  throw badInput(`"${beginning}" is the beginning of several sweeps: ${[id, ...others].slice(0, 5).join(', ')}`)
}

async function sweepOf(services: Services, stored: readonly StoredSweepRun[]): Promise<Sweep> {
  const [first] = stored as readonly [StoredSweepRun, ...StoredSweepRun[]]
  const { definition } = first.member
  const settings = await readRunSettings(
    services.store,
    stored.map(({ run }) => run.id)
  )
  const found = await Promise.all(
    stored.map(async ({ run, member }): Promise<SweptRun> => {
      const own = settings.get(run.id) as RunSettings
      return {
        id: run.id,
        index: member.index,
        status: await statusOf(services, run),
        variants: run.variants.map(({ name, method, rank, quantizer }, i) => {
          return { name, method, rank, quantizer, ...treatmentOf(own.recipe.variants[i]) }
        }),
        evaluation: own.evaluation.map(({ name }) => name),
        ...(run.error && { failure: run.error.message }),
        perplexity: run.perplexity
      }
    })
  )
  const runs = [...runsByIndex(found).values()]
  const completed = runs.filter(({ status }) => status === 'completed').length
  const { createdAtMs, model, project } = first.run
  return { definition, createdAtMs, model, project, completed, total: runsOf(definition), runs }
}

/** Devices differ by less than 1e-5 in a perplexity of full precision; another checkpoint by far more. */
const SAME = 1e-4

/** @throws {AppError} BAD_INPUT when texts or the checkpoint changed between two runs: their figures have no mean */
async function assertAlike({ store }: Services, stored: readonly StoredSweepRun[]): Promise<void> {
  const settings = await readRunSettings(
    store,
    stored.map(({ run }) => run.id)
  )
  const known = new Map<string, string | number>()
  for (const { run, member } of stored) {
    const { calibration, evaluation } = settings.get(run.id) as RunSettings
    const digests = (texts: RunSettings['calibration']): string => texts.map(({ sha256 }) => sha256).join()
    const { label } = placeOf(member.definition, member.index).set
    const facts: [what: string, value: string | number][] = [
      [`the calibration text ${label}`, digests(calibration)],
      ['an evaluation text', digests(evaluation)],
      ...Object.entries(run.perplexity).map(([text, { fullPrecision }]): [string, number] => [
        `the checkpoint (by its perplexity on ${text})`,
        fullPrecision
      ])
    ]
    for (const [what, value] of facts) {
      const before = known.get(what) ?? value
      known.set(what, before)
      if (before !== value && !alike(before, value))
        throw badInput(
          `sweep ${member.definition.id}: ${what} changed before run ${run.id} was made, so its figures cannot go with the others'; delete that run`
        )
    }
  }
}

const alike = (a: string | number, b: string | number): boolean =>
  typeof a === 'number' && typeof b === 'number' && Math.abs(a - b) <= SAME * Math.abs(a)
