/** What a filter looks at; each field may hold several words. */
export interface Filtered {
  readonly name: string
  readonly method: string
  readonly rank: string
  readonly model: string
  readonly tag: string
  readonly status: string
}

interface Term {
  readonly field: string | undefined
  readonly text: string
  readonly excluded: boolean
}

const FIELDS: readonly string[] = ['name', 'method', 'rank', 'model', 'tag', 'status'] satisfies (keyof Filtered)[]

/**
 * A test for what a person typed: words that must all occur, in any field; "several words" in quotes; -word for what must
 * not occur; field:word for one field (name, method, rank, model, tag, status). Capitals do not matter.
 *
 * A word after `rank:` must be the rank itself, so that rank:1 does not find 16.
 */
export function parseFilter(text: string): (item: Filtered) => boolean {
  const terms = termsOf(text)
  if (terms.length === 0) return () => true
  return (item) => terms.every((term) => matches(item, term) !== term.excluded)
}

function termsOf(text: string): Term[] {
  return [...text.toLowerCase().matchAll(/(-?)(?:([a-z]+):)?(?:"([^"]*)"?|(\S+))/g)].flatMap((match) => {
    const [, minus, prefix, quoted, word] = match
    const known = prefix === undefined || FIELDS.includes(prefix)
    const value = quoted ?? word ?? ''
    if (value === '') return []
    return [{ field: known ? prefix : undefined, text: known ? value : `${prefix}:${value}`, excluded: minus === '-' }]
  })
}

function matches(item: Filtered, { field, text }: Term): boolean {
  if (field === 'rank') return item.rank.split(' ').includes(text)
  if (field !== undefined) return item[field as keyof Filtered].toLowerCase().includes(text)
  return Object.values(item).some((value: string) => value.toLowerCase().includes(text))
}
