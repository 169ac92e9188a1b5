/** A table of values with the names of its columns. */
export interface ValueTable {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
}

export type Cell = string | number | null

/**
 * Comma-separated values as RFC 4180 says, numbers with all their digits. Text that a spreadsheet would take for a
 * formula gets an apostrophe before it: names come from checkpoints and from other people's bundles.
 * Source: OWASP, "CSV Injection".
 */
export const toCsv = ({ columns, rows }: ValueTable): string =>
  [columns, ...rows].map((row) => `${row.map(csvCell).join(',')}\r\n`).join('')

function csvCell(cell: Cell): string {
  if (cell === null) return ''
  if (typeof cell === 'number') return Number.isFinite(cell) ? String(cell) : ''
  const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
