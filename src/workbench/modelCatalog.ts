import { resolve } from 'node:path'
import { discoverModels } from '../services/modelDiscovery/discoverModels'
import { readPreferences } from '../services/preferences'
import type { Discovery, FoundModel } from '../shared/models'
import { listModels } from '../store/models'
import type { WorkbenchContext } from './context'
import type { CallScope } from './handler'

/** The checkpoints of this machine as the last search found them. */
export class ModelCatalog {
  #last: Promise<Discovery> | undefined
  /** The folders of the settings that the last search looked into. */
  #folders = ''

  constructor(private readonly context: Pick<WorkbenchContext, 'services' | 'installation'>) {}

  /** The last search; the first caller starts one, and the others wait for the same. */
  async current(): Promise<Discovery> {
    const folders = (await readPreferences(this.context.services.store)).modelFolders.join('\n')
    if (folders !== this.#folders) this.forget()
    this.#folders = folders
    return this.#last ?? this.#keep(this.#search(new AbortController().signal))
  }

  /**
   * Searches again.
   *
   * @throws {AppError} CANCELLED when the signal aborts; the search before stays the last one then
   */
  async scan({ signal, progress }: CallScope): Promise<Discovery> {
    const found = await this.#search(signal, progress)
    this.#last = Promise.resolve(found)
    return found
  }

  /** Forgets the last search, because what is to be searched has changed. */
  forget(): void {
    this.#last = undefined
  }

  async find(id: string): Promise<FoundModel | undefined> {
    return (await this.current()).models.find((model) => model.id === id)
  }

  /** Every directory of the list: what the window may name. */
  async directories(): Promise<string[]> {
    return (await this.current()).models.map(({ directory }) => directory)
  }

  async #search(signal: AbortSignal, progress?: CallScope['progress']): Promise<Discovery> {
    const { services, installation } = this.context
    const added = (await listModels(services.store)).filter(({ addedAtMs }) => addedAtMs !== null)
    const { modelFolders } = await readPreferences(services.store)
    return discoverModels({
      engine: services.engine,
      env: process.env,
      folders: [...new Set([...added.map(({ directory }) => directory), ...modelFolders].map((path) => resolve(path)))],
      resources: installation.resources,
      signal,
      ...(progress && { progress })
    })
  }

  /** A search that failed is not kept: the next caller tries again. */
  #keep(search: Promise<Discovery>): Promise<Discovery> {
    this.#last = search
    search.catch(() => {
      if (this.#last === search) this.#last = undefined
    })
    return search
  }
}
