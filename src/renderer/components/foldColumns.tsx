import { Text } from '@mantine/core'
import type { Column } from './column'
import { fitColumns } from './columnFit'

/**
 * The columns for a table of `room` pixels (0: not known yet). Where they need more, those that fold stand as small lines
 * in the first column that has lines below its text, so that the rest is seen without scrolling.
 */
export function foldColumns<T>(rows: readonly T[], columns: readonly Column<T>[], room: number): readonly Column<T>[] {
  const folding = columns.filter(({ folds, text }) => folds && text !== undefined)
  if (room <= 0 || folding.length === 0 || fitColumns(rows, columns).width <= room) return columns
  const lines = (row: T): string[] => folding.map(({ text }) => text?.(row) ?? '').filter((text) => !EMPTY.has(text))
  const host = columns.find(({ below }) => below !== undefined)
  const kept = columns.filter((column) => !folding.includes(column))
  return kept.map((column) => (column === host ? withLines(column, lines) : column))
}

const EMPTY: ReadonlySet<string> = new Set(['', '–'])

function withLines<T>(column: Column<T>, lines: (row: T) => string[]): Column<T> {
  return {
    ...column,
    below: (row) => [...(column.below?.(row) ?? []), ...lines(row)],
    render: (row) => (
      <>
        {column.render(row)}
        {lines(row).map((line) => (
          <Text key={line} size="xs" c="dimmed" lh="18px">
            {line}
          </Text>
        ))}
      </>
    )
  }
}
