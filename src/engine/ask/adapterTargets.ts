import { patternProblem } from '../../shared/targetPattern'
import type { ReadAdapter } from '../formats/readAdapter'
import { selectTargets } from '../models/targets'

/*
 * Which linears an adapter_config.json chooses, and what its patterns say of each, by the rules of PEFT: PEFT puts factors
 * beside these when it loads the adapter, and leaves those of others unread.
 *
 * Source: huggingface/peft 0.21, tuners_utils.check_target_module_exists and utils/other.get_pattern_key.
 */

type Config = ReadAdapter['config']

/**
 * The linears of `target_modules`, of these those in `layers_to_transform`, without `exclude_modules`.
 *
 * @param paths - linears of the blocks; those alone are meant by all-linear
 * @param head - path of the output head
 * @returns undefined where it cannot be told: for target_parameters, and an expression that Python may read in another way
 */
export function chosenLinears(config: Config, paths: readonly string[], head: string): ReadonlySet<string> | undefined {
  if (isFilled(config.target_parameters)) return undefined
  const all = [...paths, head]
  const chosen = config.target_modules === 'all-linear' ? new Set(paths) : matching(config.target_modules ?? [], all)
  const excluded = isFilled(config.exclude_modules) ? matching(config.exclude_modules, all) : new Set<string>()
  const isInLayer = layersOf(config)
  if (chosen === undefined || excluded === undefined || isInLayer === undefined) return undefined
  return new Set([...chosen].filter((path) => !excluded.has(path) && isInLayer(path)))
}

/** As in Python, where an empty list or text counts as none. */
const isFilled = (value: unknown): boolean => Boolean(value) && !(Array.isArray(value) && value.length === 0)

/** Paths that equal a name or end in it, or that an expression matches as a whole; undefined where it is not evaluated. */
function matching(choice: unknown, paths: readonly string[]): ReadonlySet<string> | undefined {
  if (isTexts(choice)) return selectTargets(choice, paths, () => {})
  if (typeof choice !== 'string' || patternProblem(choice) !== undefined) return undefined
  return selectTargets({ regex: choice }, paths, () => {})
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string')

/** Whether a path lies in the layers that are chosen; undefined where that cannot be told. */
function layersOf({
  layers_to_transform,
  layers_pattern,
  target_modules
}: Config): ((path: string) => boolean) | undefined {
  const byExpression = typeof target_modules === 'string' && target_modules !== 'all-linear'
  if (layers_to_transform === undefined || layers_to_transform === null || byExpression) return () => true
  const layers: unknown[] = [layers_to_transform].flat()
  if (layers.length === 0) return () => true
  const places = isFilled(layers_pattern) ? [layers_pattern].flat() : undefined
  if (places?.some((place) => typeof place !== 'string' || !/^\w+$/.test(place))) return undefined
  // Without a pattern any name may stand before the number: the first number of the path is the layer's.
  const forms = places?.map((place) => new RegExp(`^(?:.*?\\.)?${place}\\.(\\d+)\\.`)) ?? [/^.*?\.[^.]*\.(\d+)\./]
  const layerOf = (path: string): string | undefined => forms.map((form) => form.exec(path)?.[1]).find(Boolean)
  return (path) => target_modules?.includes(path) === true || layers.includes(Number(layerOf(path) ?? Number.NaN))
}

/**
 * What `rank_pattern` or `alpha_pattern` says of a linear: the value of its first key that the path ends in, a name or an
 * expression.
 *
 * @returns undefined where none does, unknown where an expression comes first that is not evaluated
 */
export function patternValue(path: string, pattern: Readonly<Record<string, number>>): number | 'unknown' | undefined {
  for (const [key, value] of Object.entries(pattern)) {
    const ends = endsIn(path, key)
    if (ends !== false) return ends === undefined ? 'unknown' : value
  }
  return undefined
}

function endsIn(path: string, key: string): boolean | undefined {
  if (/^[\w.]+$/.test(key)) return path === key || path.endsWith(`.${key}`)
  const regex = `(.*\\.)?(${key})`
  return patternProblem(regex) === undefined ? selectTargets({ regex }, [path], () => {}).size > 0 : undefined
}
