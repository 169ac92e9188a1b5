import { badInput } from '../../shared/errors'
import type { Targets } from '../../shared/recipe'

/**
 * The linears that a choice of targets means, by PEFT's rule: a name selects the paths that equal it or end in `.name`.
 *
 * @param paths - module paths of all linears of the blocks
 * @throws {AppError} BAD_INPUT naming an entry that selects nothing, and what could be selected
 */
export function selectTargets(targets: Targets, paths: readonly string[]): ReadonlySet<string> {
  if (targets === 'all-linear') return new Set(paths)
  const selected = new Set<string>()
  for (const target of targets) {
    const matches = paths.filter((path) => path === target || path.endsWith(`.${target}`))
    if (matches.length === 0) throw badInput(`target ${target} matches no linear; this model has ${names(paths)}`)
    for (const path of matches) selected.add(path)
  }
  return selected
}

/** The last names of the paths, each once: what people write as targets. */
export const names = (paths: readonly string[]): string =>
  [...new Set(paths.map((path) => path.slice(path.lastIndexOf('.') + 1)))].join(', ')
