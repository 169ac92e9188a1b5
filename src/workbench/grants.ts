import { isAbsolute, relative, resolve, sep } from 'node:path'
import { badInput } from '../shared/errors'

/** Where paths that the window may name come from, beside what is remembered here. */
export type GrantSource = () => Promise<readonly string[]>

/**
 * The paths that the window may name: those that the person chose in a dialog or dropped, and those that something
 * registered brings along (models, recipes, results). A directory stands for everything below it.
 *
 * A page that runs foreign code could otherwise read or write any file with our rights.
 */
export class Grants {
  readonly #known = new Set<string>()
  readonly #sources: GrantSource[] = []

  /** Remembers paths for as long as the process lives. */
  allow(paths: readonly string[]): void {
    for (const path of paths) this.#known.add(resolve(path))
  }

  /** Adds a place to look in before a path is refused. */
  addSource(source: GrantSource): void {
    this.#sources.push(source)
  }

  /** @throws {AppError} BAD_INPUT naming the first path that nobody gave */
  async check(paths: readonly string[]): Promise<void> {
    const refused = (path: string): boolean => !isAbsolute(path) || !this.#covers(resolve(path))
    if (!paths.some(refused)) return
    for (const source of this.#sources) this.allow(await source())
    const path = paths.find(refused)
    if (path === undefined) return
    throw badInput(
      `${path} was not chosen in a dialog or dropped on the window, and belongs to nothing that is registered`
    )
  }

  #covers(path: string): boolean {
    for (const known of this.#known) if (isInside(path, known)) return true
    return false
  }
}

const isInside = (path: string, directory: string): boolean => {
  const way = relative(directory, path)
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way))
}
