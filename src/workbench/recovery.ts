import type { StoreState, storeCalls } from '../shared/contract/store'
import { AppError, serializeError } from '../shared/errors'
import { databaseFile, runsDirectory } from '../store/home'
import { rebuildStore } from '../store/rebuild'
import type { HandlersOf } from './handler'
import type { WorkbenchInstallation } from './protocol'

/** The workbench as `entry` sees it: opened, or kept from opening by a database that cannot be used. */
export interface Opening {
  /** Resolves with the reason when the database could not be opened, with null when it is open. */
  problem(): Promise<AppError | null>
  /** Tries again. */
  reopen(): Promise<void>
}

/** Answers what must work without a database: what is wrong with it, and making a new one from the run folders. */
export const recoveryHandlers = ({ home }: WorkbenchInstallation, opening: Opening): HandlersOf<typeof storeCalls> => ({
  async 'store.state'() {
    const problem = await opening.problem()
    return stateOf(home, problem)
  },
  async 'store.rebuild'() {
    if ((await opening.problem()) === null) {
      throw new AppError(
        'STORE',
        `${databaseFile(home)} is in order; only a damaged database is rebuilt from this window`
      )
    }
    const { setAside, ...rebuilt } = await rebuildStore(databaseFile(home), runsDirectory(home))
    await opening.reopen()
    return { ...rebuilt, setAside: setAside ?? null }
  }
})

/** A newer schema or another program's file is not damaged: rebuilding would hide data that a newer Quail can read. */
const stateOf = (home: string, problem: AppError | null): StoreState => ({
  home,
  problem: problem === null ? null : serializeError(problem).message,
  canRebuild: problem !== null && problem.code === 'STORE' && /is damaged/.test(problem.message)
})
