import { isAbsolute, relative, resolve, sep } from 'node:path'
import { type NamedPath, PURPOSES, type Purpose, WHOLE_DIRECTORY, WRITING } from '../shared/contract/purposes'
import { badInput } from '../shared/errors'

/** Where granted paths come from, beside what is remembered here. */
export type GrantSource = () => Promise<readonly NamedPath[]>

/** Refuses a place at which nothing may be written, whoever chose it. */
export type WriteGuard = (path: string) => Promise<void>

/** What else a grant is good for: an adapter that was written is read again, and what is granted at all may be shown. */
const ALSO: Partial<Record<Purpose, readonly Purpose[]>> = {
  readAdapter: ['writeFolder'],
  recognize: ['readRecipe', 'readText'],
  reveal: Object.keys(PURPOSES) as Purpose[]
}

/**
 * The paths that the window may name, each for one purpose: those that the person chose in a dialog or dropped, or agreed to
 * by name, and those that something registered brings along. A directory stands for everything below it where whole
 * directories are read or written.
 *
 * A page that runs foreign code could otherwise read or write any file with our rights.
 */
export class Grants {
  readonly #known = new Map<Purpose, Set<string>>()
  readonly #sources: GrantSource[] = []
  #guard: WriteGuard = async () => undefined

  /** Remembers grants for as long as the process lives. */
  allow(paths: readonly NamedPath[]): void {
    for (const { path, purpose } of paths) {
      const known = this.#known.get(purpose) ?? new Set()
      this.#known.set(purpose, known.add(resolve(path)))
    }
  }

  /** Adds a place to look in before a path is refused. */
  addSource(source: GrantSource): void {
    this.#sources.push(source)
  }

  /** Sets what is asked about every path that is written. */
  guardWrites(guard: WriteGuard): void {
    this.#guard = guard
  }

  /** @throws {AppError} BAD_INPUT naming the first path that was not granted for its purpose, or where nothing is written */
  async check(paths: readonly NamedPath[]): Promise<void> {
    const [refused] = await this.refused(paths)
    if (refused !== undefined) {
      throw badInput(
        `${refused.path} was not chosen in a dialog or dropped on the window for ${PURPOSES[refused.purpose]}; choose it again`
      )
    }
    for (const { path, purpose } of paths) if (WRITING.has(purpose)) await this.#guard(resolve(path))
  }

  /** Those of the paths that were not granted for their purpose. */
  async refused(paths: readonly NamedPath[]): Promise<readonly NamedPath[]> {
    if (paths.every((one) => this.#covers(one))) return []
    for (const source of this.#sources) this.allow(await source())
    return paths.filter((one) => !this.#covers(one))
  }

  #covers({ path, purpose }: NamedPath): boolean {
    if (!isAbsolute(path)) return false
    const target = resolve(path)
    return [purpose, ...(ALSO[purpose] ?? [])].some((granted) => {
      const known = this.#known.get(granted)
      if (known === undefined) return false
      if (known.has(target)) return true
      return WHOLE_DIRECTORY.has(granted) && [...known].some((directory) => isInside(target, directory))
    })
  }
}

const isInside = (path: string, directory: string): boolean => {
  const way = relative(directory, path)
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}
