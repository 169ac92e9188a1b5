import type { RunListEntry, RunVariant } from '../../shared/contract/runs'
import { type Headline, headlineOf } from '../../shared/headline'
import { variantLabels } from '../../shared/variantLabels'

/** Worked out once per run: lists are new objects only when something in them changed. */
const known = new WeakMap<RunListEntry, Headline<RunVariant> | null>()

/** What a run found for each quantizer; null while nothing is measured. */
export function headlineOfRun(run: RunListEntry): Headline<RunVariant> | null {
  const found = known.get(run)
  if (found !== undefined) return found
  const headline = headlineOf(run) ?? null
  known.set(run, headline)
  return headline
}

/** The share of its largest gap that a run closes, by which lists sort; undefined where there is none. */
export const gapShare = (run: RunListEntry): number | undefined => headlineOfRun(run)?.results[0].variants[0].gapClosed

/** `quailora-r16`, `quailora-r16 +3`: the best variant first, or the first while nothing is measured. */
export function variantsText(run: RunListEntry): string {
  const shown = headlineOfRun(run)?.results[0].variants[0].variant ?? run.variants[0]
  if (shown === undefined) return '–'
  const label = variantLabels(run.variants)[run.variants.indexOf(shown)] ?? shown.name
  return run.variants.length > 1 ? `${label} +${run.variants.length - 1}` : label
}

export const compareAddress = (ids: readonly string[]): string =>
  `/compare?runs=${ids.map(encodeURIComponent).join(',')}`
