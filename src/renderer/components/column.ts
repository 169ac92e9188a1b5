import type { ReactNode } from 'react'
import type { TermName } from '../glossary/glossary'

/** A column of a DataTable. */
export interface Column<T> {
  readonly key: string
  readonly title: string
  /** What is in a column without a title, for those who hear the table. */
  readonly label?: string
  /** Explained by the heading. */
  readonly term?: TermName
  /** A CSS grid track: "2fr", "120px", "minmax(120px, 1fr)". */
  readonly width: string
  readonly align?: 'left' | 'right'
  readonly render: (row: T) => ReactNode
  /** What a cell says, without markup: the column is made wide enough for the longest, so that none is cut. */
  readonly text?: (row: T) => string
  /** Text longer than this many pixels may go on in the next line; for names, which may have any length. */
  readonly wrapAt?: number
  /** The text is bold. */
  readonly bold?: boolean
  /** Further lines, in small letters, that the cell has below its text. */
  readonly below?: (row: T) => readonly string[]
  /** Where the table has not enough room, what `text` says stands below the text of the first column that has such lines. */
  readonly folds?: boolean
  /** Makes the column sortable; undefined values come last whatever the direction. */
  readonly sortBy?: (row: T) => number | string | undefined
}
