import { join } from 'node:path'
import type { Engine } from '../engine/worker/pool'
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

/** Opens the database below `home` for services that use this engine. */
export async function openServices({ home, version, engine }: Omit<Services, 'store'>): Promise<Services> {
  return { home, version, engine, store: await openStore(databaseFile(home)) }
}

/** Cancels what is under way, waits for it, and closes the database. */
export async function closeServices({ engine, store }: Services): Promise<void> {
  await engine.close()
  await closeStore(store)
}

/** The folder of one run. */
export const runFolder = ({ home }: Pick<Services, 'home'>, id: string): string => join(runsDirectory(home), id)
