import { join } from 'node:path'
import { makeFolder } from '../engine/formats/files'
import type { Engine } from '../engine/worker/pool'
import { badInput } from '../shared/errors'
import { quotedText } from '../shared/quoting'
import { closeStore, openStore } from '../store/database'
import { databaseFile, runsDirectory } from '../store/home'
import type { Store } from '../store/schema'

/** What the services work on: opened once by the command line or by the desktop app, closed at its end. */
export interface Services {
  /** Directory of the database and of the run folders. */
  readonly home: string
  readonly store: Store
  readonly engine: Engine
  readonly version: string
}

/** Makes `home` where there is none, and opens its database for services that use this engine. */
export async function openServices({ home, version, engine }: Omit<Services, 'store'>): Promise<Services> {
  await makeFolder(home)
  return { home, version, engine, store: await openStore(databaseFile(home)) }
}

/** Cancels what is under way, waits for it, and closes the database. */
export async function closeServices({ engine, store }: Services): Promise<void> {
  await engine.close()
  await closeStore(store)
}

/**
 * The folder of one run.
 *
 * @throws {AppError} BAD_INPUT for an id that is no name of a folder
 */
export function runFolder({ home }: Pick<Services, 'home'>, id: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(id)) return join(runsDirectory(home), id)
  throw badInput(
    `${quotedText(id.slice(0, 100))} is not the id of a run; letters, digits, hyphens and dots are expected`
  )
}
