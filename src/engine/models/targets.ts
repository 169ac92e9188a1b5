import { badInput } from '../../shared/errors'
import { nearestName } from '../../shared/nearestName'
import type { Targets } from '../../shared/recipe'

/**
 * The linears that a choice of targets means, by PEFT's rule: a name selects the paths that equal it or end in `.name`.
 *
 * @param paths - module paths of all linears of the blocks
 * @param onUnmatched - receives an entry that selects nothing
 * @throws {AppError} BAD_INPUT naming an entry that selects nothing, and what could be selected
 */
export function selectTargets(
  targets: Targets,
  paths: readonly string[],
  onUnmatched: (target: string) => void = refuse(paths)
): ReadonlySet<string> {
  if (targets === 'all-linear') return new Set(paths)
  const selected = new Set<string>()
  for (const target of targets) {
    const matches = paths.filter((path) => path === target || path.endsWith(`.${target}`))
    if (matches.length === 0) onUnmatched(target)
    for (const path of matches) selected.add(path)
  }
  return selected
}

const refuse = (paths: readonly string[]) => (target: string) => {
  throw badInput(unmatchedTarget(target, paths))
}

/** One sentence: what matches nothing, what was most likely meant, and what there is. */
export function unmatchedTarget(target: string, paths: readonly string[]): string {
  const names = lastNames(paths)
  const meant = nearestName(target, names)
  const suggestion = meant === undefined ? '' : ` (did you mean ${meant}?)`
  return `target ${target} matches no linear${suggestion}; this model has ${names.join(', ')}`
}

/** The last names of the paths, each once: what people write as targets. */
export const lastNames = (paths: readonly string[]): string[] => [
  ...new Set(paths.map((path) => path.slice(path.lastIndexOf('.') + 1)))
]
