import type { Column } from './column'
import { measuredWidth, widest } from './textSize'

/*
 * How wide columns and how high rows must be so that no text is cut: columns are as wide as their longest text up to where
 * it may wrap, and rows as high as what their cells take in the columns' real widths.
 */

/** Pixels of a line, of what is around the text of a cell, and of a heading with its arrow. */
const LINE = 18
const PADDING = 24
const HEADING = 38
/** A longer word of a heading breaks: names of texts have any length. */
const LONGEST_WORD = 180

const TEXT = 14
const BELOW = 12

interface FittedColumn {
  readonly track: string
  /** Pixels that it needs at least. */
  readonly least: number
  /** Its share of what is left; 0: as wide as it needs. */
  readonly share: number
}

interface Fitted {
  readonly columns: readonly FittedColumn[]
  /** Pixels that all of them need. */
  readonly width: number
  /** Height of the headings. */
  readonly head: number
}

/** Columns as wide as their longest text and the longest word of their heading. */
export function fitColumns<T>(rows: readonly T[], columns: readonly Column<T>[]): Fitted {
  let head = 42
  const fitted = columns.map((column) => {
    const { title, width, wrapAt = Number.POSITIVE_INFINITY } = column
    const word = title === '' ? 0 : Math.min(widest(title.split(/\s+/), 600, 12), LONGEST_WORD) + HEADING
    const least = Math.ceil(Math.max(smallestWidth(width), word, Math.min(longestText(rows, column), wrapAt) + PADDING))
    const share = Number(/([\d.]+)fr/.exec(width)?.[1] ?? 0)
    const lines = linesOf(title, least - HEADING + 1, (part) => measuredWidth(part, 600, 12))
    head = Math.max(head, 15 * lines + 12)
    return { track: share > 0 ? `minmax(${least}px, ${share}fr)` : `${least}px`, least, share }
  })
  return { columns: fitted, width: fitted.reduce((sum, { least }) => sum + least, 0), head }
}

/** Pixels that a track needs at least. */
const smallestWidth = (track: string): number => Number(/(\d+)px/.exec(track)?.[1] ?? 96)

function longestText<T>(rows: readonly T[], { text, below, bold }: Column<T>): number {
  const above = text === undefined ? 0 : widest(rows.map(text), bold ? 600 : 400, TEXT)
  return below === undefined ? above : Math.max(above, widest(rows.flatMap(below), 400, BELOW))
}

/**
 * What CSS makes of `minmax(least, share fr)` in `room` pixels: what is left goes to the shares, and a column that needs
 * more than its share is as wide as it needs.
 */
export function columnWidths(columns: readonly Pick<FittedColumn, 'least' | 'share'>[], room: number): number[] {
  const fixed = new Set(columns.filter(({ share }) => share === 0))
  for (;;) {
    const flexible = columns.filter((column) => !fixed.has(column))
    const left = room - [...fixed].reduce((sum, { least }) => sum + least, 0)
    const unit = left / flexible.reduce((sum, { share }) => sum + share, 0)
    const small = flexible.filter(({ least, share }) => least > unit * share)
    if (small.length === 0) {
      return columns.map((column) => (fixed.has(column) ? column.least : unit * column.share))
    }
    for (const column of small) fixed.add(column)
  }
}

/** Pixels that a row needs for its texts in columns of these widths. */
export function rowHeightOf<T>(row: T, columns: readonly Column<T>[], widths: readonly number[]): number {
  const lines = columns.map(({ text, wrapAt, below, bold }, i) => {
    if (text === undefined || wrapAt === undefined) return 1
    const room = Math.max(1, (widths[i] ?? 0) - PADDING)
    const small = below?.(row) ?? []
    return (
      linesOf(text(row), room, (part) => measuredWidth(part, bold ? 600 : 400, TEXT)) +
      small.reduce((sum, line) => sum + linesOf(line, room, (part) => measuredWidth(part, 400, BELOW)), 0)
    )
  })
  return LINE * Math.max(1, ...lines) + 8
}

/** Lines of a text in `room` pixels: broken after spaces and hyphens, within a word only where it alone is too wide. */
export function linesOf(text: string, room: number, widthOf: (text: string) => number): number {
  if (widthOf(text) <= room) return 1
  let lines = 1
  let used = 0
  for (const piece of text.split(/(?<=[\s-])/)) {
    const width = widthOf(piece.trimEnd())
    if (used > 0 && used + width > room) {
      lines++
      used = 0
    }
    lines += Math.max(0, Math.ceil(width / room) - 1)
    used = width <= room ? used + widthOf(piece) : width % room
  }
  return lines
}
