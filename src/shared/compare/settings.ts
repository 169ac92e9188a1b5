import { variantNames } from '../recipe'
import type { ComparisonRow } from './rows'

/** A setting that is not the same in all rows: its value in each, as text; undefined where a recipe lacks it. */
export interface DifferingSetting {
  /** Dotted, as in the recipe: `calibration.rows`, `variant.quantizer.blockSize`. */
  readonly key: string
  readonly values: readonly (string | undefined)[]
}

/** The settings of the rows' recipes that differ, in the order of the recipe; none for a single row. */
export function differingSettings(rows: readonly ComparisonRow[]): DifferingSetting[] {
  const settings = rows.map(knownSettings)
  const keys = new Set(settings.flatMap((one) => [...one.keys()]))
  return [...keys]
    .map((key) => ({ key, values: settings.map((one) => one.get(key)) }))
    .filter(({ values }) => new Set(values).size > 1)
}

/** Rows stay the same objects while a filter changes: thousands of recipes are made flat once, not for every key typed. */
const flat = new WeakMap<ComparisonRow, Map<string, string>>()

function knownSettings(row: ComparisonRow): Map<string, string> {
  const settings = flat.get(row) ?? settingsOf(row)
  flat.set(row, settings)
  return settings
}

/** Everything that decided the row's figures, flat: the recipe with the row's own variant, and the bytes of its texts. */
function settingsOf({ run, variant }: ComparisonRow): Map<string, string> {
  const { variants, name: _title, version: _version, ...recipe } = run.recipe
  const spec = variants[variantNames(variants).indexOf(variant.name)]
  const { name: _name, ...own } = spec ?? { name: undefined }
  const digests = (texts: readonly { sha256: string }[]) => texts.map(({ sha256 }) => sha256.slice(0, 12))
  const settings = new Map<string, string>()
  flatten('', { ...recipe, variant: own }, settings)
  flatten('calibration.sha256', digests(run.texts.calibration), settings)
  if (run.texts.evaluation.length > 0) flatten('evaluation.sha256', digests(run.texts.evaluation), settings)
  settings.set('quail', run.quailVersion)
  return settings
}

function flatten(key: string, value: unknown, into: Map<string, string>): void {
  if (value === undefined || value === null) return
  if (Array.isArray(value)) into.set(key, value.map(String).join(', '))
  else if (typeof value !== 'object') into.set(key, String(value))
  else if (key !== '' && Object.keys(value).length === 0)
    into.set(key, 'yes') // asked for, with nothing more to say
  else for (const [name, item] of Object.entries(value)) flatten(key === '' ? name : `${key}.${name}`, item, into)
}
