import { groupBy } from '../groupBy'
import { LABEL_BREAK, variantLabels } from '../variantLabels'
import type { ComparisonRow } from './rows'
import { differingSettings } from './settings'

/**
 * A label for each row that tells it from all others: its variant, the title of its run where titles differ, and where
 * that is not enough the settings that differ, or else the run's id. By the rows' keys.
 *
 * @param where - whether the run's title is part of it; in a table it has a column
 */
export function rowLabels(
  rows: readonly ComparisonRow[],
  where: 'alone' | 'beside the run' = 'alone'
): Map<string, string> {
  const names = variantLabels(
    rows.map(({ variant }) => variant),
    rows.map(({ run }) => run.id)
  )
  const severalTitles = new Set(rows.map(({ run }) => run.title)).size > 1
  const named = rows.map((row, i) => ({ row, name: names[i] as string }))
  const told = new Map<string, readonly string[]>()
  for (const alike of groupBy(named, ({ row, name }) => JSON.stringify([name, row.run.title])).values()) {
    if (alike.length > 1) for (const [key, words] of whatDiffers(alike.map(({ row }) => row))) told.set(key, words)
  }
  return new Map(
    named.map(({ row, name }) => {
      const title = severalTitles && where === 'alone' ? [row.run.title] : []
      return [row.key, [name, ...title, ...(told.get(row.key) ?? [])].join(LABEL_BREAK)]
    })
  )
}

/** What tells rows of one variant and title from each other, by their keys. */
function whatDiffers(alike: readonly ComparisonRow[]): [key: string, words: string[]][] {
  const settings = differingSettings(alike).filter(({ key }) => !key.startsWith('variant.') && !key.endsWith('sha256'))
  const words = alike.map((_, i) => settings.map(({ key, values }) => `${key} ${values[i] ?? 'not set'}`))
  const count = groupBy(words, (own) => own.join())
  return alike.map(({ key, run }, i) => {
    const own = words[i] as string[]
    return [key, count.get(own.join())?.length === 1 ? own : [...own, run.id]]
  })
}
