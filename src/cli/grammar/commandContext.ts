import { type Engine, startEngine } from '../../engine/worker/pool'
import { closeServices, openServices, type Services } from '../../services/services'
import type { StartTokenizer } from '../../shared/tokenizerProcess'
import { cudaDirectory } from '../../store/home'
import type { Terminal } from '../output/terminal'

/** Where the program lies and where it keeps its files. */
export interface Installation {
  readonly home: string
  readonly version: string
  /** The built thread main of the engine. */
  readonly workerUrl: URL
  /** The directory of the sample model and texts. */
  readonly resources: string
  /** Where the runtime does not run as Node. */
  readonly startTokenizer?: StartTokenizer | undefined
}

/** What a command works with. The database is opened by the first command that asks for it. */
export interface CommandContext extends Installation {
  readonly terminal: Terminal
  /**
   * The user wants to stop: Ctrl-C or a request to terminate. It is asked for just before the work that it can stop: until
   * then such a signal ends the process.
   */
  readonly signal: AbortSignal
  readonly engine: Engine
  services(): Promise<Services>
  close(): Promise<void>
}

export function createContext(
  installation: Installation,
  terminal: Terminal,
  listen: () => AbortSignal
): CommandContext {
  const { home, version, workerUrl, startTokenizer } = installation
  const engine = startEngine(workerUrl, cudaDirectory(home), startTokenizer)
  let services: Promise<Services> | undefined
  return {
    ...installation,
    terminal,
    get signal() {
      return listen()
    },
    engine,
    services: () => {
      services ??= openServices({ home, version, engine })
      return services
    },
    async close() {
      const opened = await services?.catch(() => undefined)
      if (opened === undefined) await engine.close()
      else await closeServices(opened)
    }
  }
}
