import { visible } from '../../shared/quoting'

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
}

/** Lines of a table: a header, a rule, and rows whose cells are padded to their column; no spaces at line ends. */
export function renderTable(columns: readonly Column[], given: readonly (readonly string[])[]): string[] {
  const rows = given.map((row) => row.map(visible))
  const widths = columns.map(({ title }, i) =>
    rows.reduce((width, row) => Math.max(width, widthOf(row[i] ?? '')), widthOf(title))
  )
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ align }, i) => pad(cells[i] ?? '', widths[i] as number, align ?? 'left'))
      .join('  ')
      .trimEnd()
  const rule = widths.map((width) => '─'.repeat(width)).join('  ')
  return [line(columns.map(({ title }) => title)), rule, ...rows.map(line)]
}

/** Lines `name   value` with the values under each other. */
export function renderPairs(given: readonly (readonly [string, string])[]): string[] {
  const pairs = given.map(([name, value]) => [visible(name), visible(value)] as const)
  const width = pairs.reduce((most, [name]) => Math.max(most, widthOf(name)), 0)
  return pairs.map(([name, value]) => `${pad(name, width, 'left')}  ${value}`.trimEnd())
}

const widthOf = (text: string): number => [...text].length

const pad = (text: string, width: number, align: 'left' | 'right'): string => {
  const gap = ' '.repeat(Math.max(0, width - widthOf(text)))
  return align === 'left' ? text + gap : gap + text
}
