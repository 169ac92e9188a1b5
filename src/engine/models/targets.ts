import { badInput } from '../../shared/errors'
import { nearestName } from '../../shared/nearestName'
import { type Targets, targetsText } from '../../shared/recipe'
import { compilePattern, PATTERN_PREFIX } from '../../shared/targetPattern'
import { workLimit } from '../formats/workWatch'

/**
 * The linears that a choice of targets means, by PEFT's rules: a name selects the paths that equal it or end in
 * `.name`, a regular expression those that it matches as a whole.
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
  if (!Array.isArray(targets)) return selectPattern(targets, paths, onUnmatched)
  const selected = new Set<string>()
  for (const target of targets) {
    const matches = paths.filter((path) => path === target || path.endsWith(`.${target}`))
    if (matches.length === 0) onUnmatched(target)
    for (const path of matches) selected.add(path)
  }
  return selected
}

/** The expressions that a recipe may hold take microseconds for each path; this stops what nobody thought of. */
const MAX_MATCHING_MS = 1000

function selectPattern(
  targets: Extract<Targets, { regex: string }>,
  paths: readonly string[],
  onUnmatched: (target: string) => void
): ReadonlySet<string> {
  const pattern = compilePattern(targets.regex)
  const isTooLong = workLimit(MAX_MATCHING_MS)
  const selected = new Set<string>()
  for (const path of paths) {
    if (pattern.test(path)) selected.add(path)
    if (isTooLong()) throw badInput(`target ${targetsText(targets)} takes more than a second to match`)
  }
  if (selected.size === 0) onUnmatched(targetsText(targets))
  return selected
}

const refuse = (paths: readonly string[]) => (target: string) => {
  throw badInput(unmatchedTarget(target, paths))
}

/** The name that was most likely meant; undefined for an expression, or where none is near. */
export const meantTarget = (target: string, paths: readonly string[]): string | undefined =>
  target.startsWith(PATTERN_PREFIX) ? undefined : nearestName(target, lastNames(paths))

/** One sentence: what matches nothing, what was most likely meant, and what there is. */
export function unmatchedTarget(target: string, paths: readonly string[]): string {
  const names = lastNames(paths)
  const meant = meantTarget(target, paths)
  const suggestion = meant === undefined ? '' : ` (did you mean ${meant}?)`
  const whole = target.startsWith(PATTERN_PREFIX)
    ? `, as an expression has to match whole paths such as ${paths[0] ?? ''}`
    : ''
  return `target ${target} matches no linear${suggestion}${whole}; this model has ${names.join(', ')}`
}

/** The last names of the paths, each once: what people write as targets. */
export const lastNames = (paths: readonly string[]): string[] => [
  ...new Set(paths.map((path) => path.slice(path.lastIndexOf('.') + 1)))
]
