import { rm } from 'node:fs/promises'
import { type Deleted, deleteForNow, listDeletions, removeDeleted, takeFinal, undoDeletion } from '../store/deletions'
import { giveBackSpace } from '../store/space'
import { folderBytes } from './folderSize'
import { assertNotWorkedOn, listRuns } from './runService'
import { runFolder, type Services } from './services'

/** A deletion can be undone for at least so long. */
export const UNDO_MS = 10 * 60 * 1000

export { listDeletions, undoDeletion }

/**
 * Deletes runs, calibration sets and projects with their runs, in a way that can be undone for ten minutes. Files stay
 * until it is final; exported adapters stay for good.
 *
 * @returns the id for `undoDeletion`
 * @throws {AppError} LOCKED while a process works on one of the runs; nothing is deleted then
 */
export async function deleteWithUndo(services: Services, title: string, what: Deleted): Promise<string> {
  for (const id of await runsOf(services, what)) await assertNotWorkedOn(services, id)
  return deleteForNow(services.store, title, what)
}

/** Bytes that will be freed: those of the run folders. */
export async function deletedBytes(services: Services, what: Deleted): Promise<{ runs: number; bytes: number }> {
  const ids = await runsOf(services, what)
  const sizes = await Promise.all(ids.map((id) => folderBytes(runFolder(services, id))))
  return { runs: ids.length, bytes: sizes.reduce((sum, bytes) => sum + bytes, 0) }
}

/** Removes for good what was deleted up to a time. The folder goes first: a process that dies is followed by another. */
export async function makeDeletionsFinal(services: Services, untilMs: number = Date.now() - UNDO_MS): Promise<void> {
  for (const { deletion, runs } of await takeFinal(services.store, untilMs)) {
    for (const id of runs) await rm(runFolder(services, id), { recursive: true, force: true })
    await removeDeleted(services.store, deletion)
    await giveBackSpace(services.store)
  }
}

async function runsOf(services: Services, { runs = [], projects = [] }: Deleted): Promise<string[]> {
  const inProjects = await Promise.all(projects.map((project) => listRuns(services, { project })))
  return [...runs, ...inProjects.flat().map(({ id }) => id)]
}
