import { Box, Checkbox } from '@mantine/core'
import { useElementSize, useMergedRef } from '@mantine/hooks'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import type { Column } from './column'
import { columnWidths, fitColumns, rowHeightOf } from './columnFit'
import classes from './DataTable.module.css'
import { foldColumns } from './foldColumns'
import { Heading } from './Heading'
import { type Sort, sortRows } from './sortRows'
import { useRowFocus } from './useRowFocus'

interface Props<T> {
  /** What the rows are, for people who hear the page: "Layers". */
  readonly label: string
  readonly rows: readonly T[]
  readonly columns: readonly Column<T>[]
  readonly rowKey: (row: T) => string
  /** What a row is called by those who hear its check box; default: its key. */
  readonly rowName?: (row: T) => string
  /** Click or Enter. */
  readonly onOpen?: (row: T) => void
  readonly initialSort?: Sort
  /** Keys of the chosen rows; makes a column of check boxes. */
  readonly selected?: ReadonlySet<string>
  readonly onSelect?: (selected: ReadonlySet<string>) => void
  /** The row that a drawer shows. */
  readonly current?: string | undefined
  readonly rowHeight?: number
  /** Height of the table; default: what the rows need, at most 60 % of the window. */
  readonly height?: number | string
  /** Nothing stands below it on its page: it may be as high as the window leaves room for. */
  readonly last?: boolean
  readonly empty?: ReactNode
}

/** How high a table is at most, and one that is the last on its page: without header, title and what is searched by above it. */
const SHARE = '60dvh'
const ROOM = `max(${SHARE}, 100dvh - 300px)`

/** Pixels of the column of check boxes, of a scroll bar, and of the table's own lines. */
const CHOICE = 44
const SCROLLBAR = 15
const BORDERS = 2

/**
 * Rows under sortable headings. Only what is visible is in the document, so that thousands of rows scroll without a
 * hitch. Arrow keys, Home, End move between rows, Enter opens, Space chooses.
 */
export function DataTable<T>(props: Props<T>) {
  const { label, rows, rowKey, initialSort, selected, onSelect } = props
  const [sort, setSort] = useState<Sort | undefined>(initialSort)
  const viewport = useRef<HTMLDivElement>(null)
  const { ref: sized, width: room } = useElementSize()
  const ref = useMergedRef(viewport, sized)
  const choice: Choice | undefined = selected && onSelect && { selected, onSelect }
  const rowHeight = props.rowHeight ?? 40
  const sorted = useMemo(() => sortRows(rows, props.columns, sort), [rows, props.columns, sort])
  const layout = useLayout(rows, sorted, props.columns, room, choice !== undefined, rowHeight)
  const virtual = useVirtualizer<HTMLDivElement, Element>({
    count: sorted.length,
    getScrollElement: () => viewport.current,
    estimateSize: (index) => layout.heights[index] ?? rowHeight,
    overscan: 8
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: the heights are what was measured
  useEffect(() => virtual.measure(), [virtual, layout.heights])
  const focus = useRowFocus(viewport, virtual, sorted.length, rowHeight)
  if (rows.length === 0 && props.empty !== undefined) return <>{props.empty}</>
  const bar = layout.minWidth > room - BORDERS ? SCROLLBAR : 0
  const needed = layout.head + Math.max(rowHeight, virtual.getTotalSize()) + bar + BORDERS
  return (
    <Box
      ref={ref}
      className={classes.viewport}
      style={{ height: props.height ?? `min(${props.last ? ROOM : SHARE}, ${needed}px)` }}
      role="table"
      aria-label={label}
      aria-rowcount={sorted.length + 1}
    >
      <HeadRow layout={layout} keys={sorted.map(rowKey)} choice={choice} sort={sort} onSort={setSort} />
      <Box role="rowgroup" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
        {virtual.getVirtualItems().map(({ index, start }) => (
          <DataRow
            key={rowKey(sorted[index] as T)}
            {...{ index, start, layout, choice, focus }}
            row={sorted[index] as T}
            table={props}
            count={sorted.length}
          />
        ))}
      </Box>
    </Box>
  )
}

interface Choice {
  readonly selected: ReadonlySet<string>
  readonly onSelect: (selected: ReadonlySet<string>) => void
}

function toggled({ selected }: Choice, key: string): ReadonlySet<string> {
  const next = new Set(selected)
  if (!next.delete(key)) next.add(key)
  return next
}

interface Layout<T> {
  /** Those that are shown. */
  readonly columns: readonly Column<T>[]
  /** CSS grid tracks. */
  readonly template: string
  readonly minWidth: number
  /** Height of the headings. */
  readonly head: number
  /** Of the sorted rows. */
  readonly heights: readonly number[]
}

/** Columns and rows as wide and as high as their texts need in `room` pixels. */
function useLayout<T>(
  rows: readonly T[],
  sorted: readonly T[],
  all: readonly Column<T>[],
  room: number,
  selectable: boolean,
  rowHeight: number
): Layout<T> {
  const choice = selectable ? CHOICE : 0
  const columns = useMemo(
    () => foldColumns(rows, all, Math.max(0, room - BORDERS - SCROLLBAR - choice)),
    [rows, all, room, choice]
  )
  const fitted = useMemo(() => fitColumns(rows, columns), [rows, columns])
  const template = [...(selectable ? [`${CHOICE}px`] : []), ...fitted.columns.map(({ track }) => track)].join(' ')
  const minWidth = choice + fitted.width
  const space = Math.max(room - BORDERS - SCROLLBAR, minWidth) - choice
  const heights = useMemo(() => {
    const widths = columnWidths(fitted.columns, space)
    return sorted.map((row) => Math.max(rowHeight, rowHeightOf(row, columns, widths)))
  }, [sorted, columns, fitted, space, rowHeight])
  return { columns, template, minWidth, head: fitted.head, heights }
}

interface HeadRowProps<T> {
  readonly layout: Layout<T>
  readonly keys: readonly string[]
  readonly choice: Choice | undefined
  readonly sort: Sort | undefined
  readonly onSort: (sort: Sort) => void
}

function HeadRow<T>({ layout, keys, choice, sort, onSort }: HeadRowProps<T>) {
  const { columns, template, minWidth, head } = layout
  const all = choice !== undefined && keys.length > 0 && keys.every((key) => choice.selected.has(key))
  const some = choice !== undefined && keys.some((key) => choice.selected.has(key))
  return (
    <Box role="rowgroup" className={classes.head} style={{ height: head }}>
      <Box role="row" aria-rowindex={1} className={classes.row} style={{ gridTemplateColumns: template, minWidth }}>
        {choice !== undefined && (
          <Box role="columnheader" className={classes.cell}>
            <Checkbox
              size="xs"
              aria-label="Choose all rows"
              checked={all}
              indeterminate={some && !all}
              onChange={() => choice.onSelect(new Set(all ? [] : keys))}
            />
          </Box>
        )}
        {columns.map((column) => (
          <Heading key={column.key} column={column} sort={sort} onSort={onSort} />
        ))}
      </Box>
    </Box>
  )
}

interface DataRowProps<T> {
  readonly row: T
  readonly table: Pick<Props<T>, 'rowKey' | 'rowName' | 'onOpen' | 'current'>
  readonly index: number
  readonly count: number
  readonly start: number
  readonly layout: Layout<T>
  readonly choice: Choice | undefined
  readonly focus: ReturnType<typeof useRowFocus>
}

function DataRow<T>({ row, table, index, count, start, layout, choice, focus }: DataRowProps<T>) {
  const { rowKey, rowName = rowKey, onOpen, current } = table
  const key = rowKey(row)
  const toggle = (): void => choice?.onSelect(toggled(choice, key))
  function onKeyDown(event: KeyboardEvent): void {
    if (event.target !== event.currentTarget) return
    const target = targetOf(event.key, index, count, focus.page())
    if (target !== undefined) focus.focusRow(target)
    else if (event.key === 'Enter') onOpen?.(row)
    else if (event.key === ' ' && choice !== undefined) toggle()
    else return
    event.preventDefault()
  }
  const { template, minWidth, heights } = layout
  return (
    <Box
      role="row"
      aria-rowindex={index + 2}
      aria-selected={choice?.selected.has(key)}
      aria-current={current === key ? 'true' : undefined}
      data-index={index}
      tabIndex={index === focus.active ? 0 : -1}
      className={classes.row}
      data-clickable={onOpen !== undefined || undefined}
      data-last={index === count - 1 || undefined}
      style={{ gridTemplateColumns: template, minWidth, height: heights[index], transform: `translateY(${start}px)` }}
      onFocus={() => focus.setActive(index)}
      onClick={() => onOpen?.(row)}
      onKeyDown={onKeyDown}
    >
      {choice !== undefined && (
        <Box role="cell" className={classes.cell} onClick={(event) => event.stopPropagation()}>
          <Checkbox
            size="xs"
            tabIndex={-1}
            aria-label={`Choose ${rowName(row)}`}
            checked={choice.selected.has(key)}
            onChange={toggle}
          />
        </Box>
      )}
      <Cells row={row} columns={layout.columns} />
    </Box>
  )
}

function Cells<T>({ row, columns }: { readonly row: T; readonly columns: readonly Column<T>[] }) {
  return columns.map((column) => (
    <Box
      key={column.key}
      role="cell"
      className={classes.cell}
      data-align={column.align}
      data-wrap={column.wrapAt !== undefined || undefined}
    >
      {column.render(row)}
    </Box>
  ))
}

/** The row that a key leads to from row `index`. */
function targetOf(key: string, index: number, count: number, page: number): number | undefined {
  const moves: Readonly<Record<string, number>> = {
    ArrowDown: index + 1,
    ArrowUp: index - 1,
    PageDown: index + page,
    PageUp: index - page,
    Home: 0,
    End: count - 1
  }
  return moves[key]
}
