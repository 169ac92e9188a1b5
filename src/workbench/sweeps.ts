import { join } from 'node:path'
import { planSweep } from '../services/sweep/planSweep'
import { getSweep, listSweeps } from '../services/sweep/sweepQueries'
import { writeSweepReport } from '../services/sweep/sweepReport'
import {
  createMember,
  defineSweep,
  deleteSweep,
  previewSweepDeletion,
  recipeOfSweep,
  renameSweep
} from '../services/sweep/sweepService'
import type { sweepCalls } from '../shared/contract/sweeps'
import { assertCanEnd } from '../shared/findings'
import { isResumable } from '../shared/resumable'
import { runsOf, setsOfRecipe } from '../shared/sweep'
import { adaptersDirectory } from '../store/home'
import { getRun } from '../store/runQueries'
import type { WorkbenchContext } from './context'
import { DELETED } from './deletions'
import type { HandlersOf } from './handler'

/** Sweeps: what they found, new ones, and going on with those that were stopped. Their runs go through the queue. */
export const sweepHandlers = ({ services, queue, emit }: WorkbenchContext): HandlersOf<typeof sweepCalls> => ({
  'sweeps.list': () => listSweeps(services),
  'sweeps.get': ({ id }) => getSweep(services, id),
  async 'sweeps.start'({ recipe, name, seeds, each, project, out }, { signal }) {
    const chooseOut = (id: string): string => out ?? join(adaptersDirectory(services.home), id)
    const definition = defineSweep({ name, out: chooseOut, seeds, ...setsOfRecipe(recipe, each) })
    assertCanEnd((await planSweep(services, recipe, definition, { signal, out: definition.out })).findings)
    for (let index = 0; index < runsOf(definition); index++)
      await createMember(services, recipe, definition, index, { queued: true, ...(project && { project }) })
    emit({ type: 'runs.changed', id: null })
    await queue.lookAgain()
    return { id: definition.id }
  },
  async 'sweeps.resume'({ id }) {
    const sweep = await getSweep(services, id)
    const recipe = await recipeOfSweep(services, sweep)
    const { definition, project } = sweep
    for (let index = 0; index < runsOf(definition); index++) {
      const run = sweep.runs.find((one) => one.index === index)
      if (run === undefined) await createMember(services, recipe, definition, index, { queued: true, project })
      else if (isResumable({ ...run, error: (await getRun(services.store, run.id)).error })) await queue.requeue(run.id)
    }
    emit({ type: 'runs.changed', id: null })
    await queue.lookAgain()
  },
  async 'sweeps.stop'({ id }) {
    const { runs } = await getSweep(services, id)
    // Those that wait go first: none of them begins because another was stopped.
    for (const wanted of ['queued', 'running'] as const)
      for (const run of runs.filter(({ status }) => status === wanted)) await queue.cancel(run.id)
  },
  async 'sweeps.report'({ id }) {
    return { files: await writeSweepReport(await getSweep(services, id)) }
  },
  async 'sweeps.rename'({ id, name }) {
    await renameSweep(services, id, name)
    emit({ type: 'runs.changed', id: null })
  },
  'sweeps.previewDeletion': ({ id }) => previewSweepDeletion(services, id),
  async 'sweeps.delete'({ id }) {
    const deletion = await deleteSweep(services, id)
    for (const event of DELETED) emit(event)
    return { deletion }
  }
})
