import type { Column } from './column'

export interface Sort {
  readonly key: string
  readonly descending: boolean
}

const COLLATOR = new Intl.Collator('en', { numeric: true })

/** The rows in the order of a column; equal ones keep theirs. */
export function sortRows<T>(rows: readonly T[], columns: readonly Column<T>[], sort: Sort | undefined): readonly T[] {
  const value = columns.find(({ key }) => key === sort?.key)?.sortBy
  if (sort === undefined || value === undefined) return rows
  const sign = sort.descending ? -1 : 1
  return rows
    .map((row) => ({ row, by: value(row) }))
    .sort((a, b) => {
      if (a.by === undefined || b.by === undefined) return Number(a.by === undefined) - Number(b.by === undefined)
      if (typeof a.by === 'number' && typeof b.by === 'number') return sign * (a.by - b.by)
      return sign * COLLATOR.compare(String(a.by), String(b.by))
    })
    .map(({ row }) => row)
}
