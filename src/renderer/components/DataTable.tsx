import { Box, Checkbox, Text, UnstyledButton } from '@mantine/core'
import { useElementSize, useMergedRef } from '@mantine/hooks'
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import { explained, Meaning } from '../glossary/Term'
import type { Column } from './column'
import { columnWidths, fitColumns, rowHeightOf } from './columnFit'
import classes from './DataTable.module.css'
import { foldColumns } from './foldColumns'

export interface Sort {
  readonly key: string
  readonly descending: boolean
}

interface Props<T> {
  /** What the rows are, for people who hear the page: "Layers". */
  readonly label: string
  readonly rows: readonly T[]
  readonly columns: readonly Column<T>[]
  readonly rowKey: (row: T) => string
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
  readonly empty?: ReactNode
}

/** Pixels of the column of check boxes, of a scroll bar, and of the table's own lines. */
const CHOICE = 44
const SCROLLBAR = 15
const BORDERS = 2

/**
 * Rows under sortable headings. Only what is visible is in the document, so that thousands of rows scroll without a
 * hitch. Arrow keys, Home, End move between rows, Enter opens, Space chooses.
 */
export function DataTable<T>(props: Props<T>) {
  const { label, rows, rowKey, onOpen, initialSort, selected, onSelect, current } = props
  const [sort, setSort] = useState<Sort | undefined>(initialSort)
  const [active, setActive] = useState(0)
  const viewport = useRef<HTMLDivElement>(null)
  const { ref: sized, width: room } = useElementSize()
  const ref = useMergedRef(viewport, sized)
  const selectable = selected !== undefined && onSelect !== undefined
  const columns = useMemo(
    () => foldColumns(rows, props.columns, Math.max(0, room - BORDERS - SCROLLBAR - (selectable ? CHOICE : 0))),
    [rows, props.columns, room, selectable]
  )
  const sorted = useMemo(() => sortRows(rows, props.columns, sort), [rows, props.columns, sort])
  const fitted = useMemo(() => fitColumns(rows, columns), [rows, columns])
  const rowHeight = props.rowHeight ?? 40
  const template = [...(selectable ? [`${CHOICE}px`] : []), ...fitted.columns.map(({ track }) => track)].join(' ')
  const minWidth = (selectable ? CHOICE : 0) + fitted.width
  const space = Math.max(room - BORDERS - SCROLLBAR, minWidth) - (selectable ? CHOICE : 0)
  const heights = useMemo(() => {
    const widths = columnWidths(fitted.columns, space)
    return sorted.map((row) => Math.max(rowHeight, rowHeightOf(row, columns, widths)))
  }, [sorted, columns, fitted, space, rowHeight])
  const virtual = useVirtualizer({
    count: sorted.length,
    getScrollElement: () => viewport.current,
    estimateSize: (index) => heights[index] ?? rowHeight,
    overscan: 8
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: the heights are what was measured
  useEffect(() => virtual.measure(), [virtual, heights])
  const activeIndex = Math.min(active, Math.max(0, sorted.length - 1))

  function toggle(key: string): void {
    const next = new Set(selected)
    if (!next.delete(key)) next.add(key)
    onSelect?.(next)
  }

  function focusRow(index: number): void {
    const target = Math.max(0, Math.min(sorted.length - 1, index))
    setActive(target)
    virtual.scrollToIndex(target)
    const row = () => viewport.current?.querySelector<HTMLElement>(`[data-index="${target}"]`)
    // A row out of sight is in the document only after the next frame; the others must not lose a quick key.
    if (row()) row()?.focus()
    else requestAnimationFrame(() => row()?.focus())
  }

  function onKeyDown(event: KeyboardEvent, index: number, row: T): void {
    if (event.target !== event.currentTarget) return
    const page = Math.max(1, Math.floor((viewport.current?.clientHeight ?? 400) / rowHeight) - 2)
    const moves: Record<string, number> = {
      ArrowDown: index + 1,
      ArrowUp: index - 1,
      PageDown: index + page,
      PageUp: index - page,
      Home: 0,
      End: sorted.length - 1
    }
    const target = moves[event.key]
    if (target !== undefined) focusRow(target)
    else if (event.key === 'Enter') onOpen?.(row)
    else if (event.key === ' ' && selectable) toggle(rowKey(row))
    else return
    event.preventDefault()
  }

  if (rows.length === 0 && props.empty !== undefined) return <>{props.empty}</>
  const all = selectable && sorted.length > 0 && sorted.every((row) => selected.has(rowKey(row)))
  const some = selectable && sorted.some((row) => selected.has(rowKey(row)))
  return (
    <Box
      ref={ref}
      className={classes.viewport}
      style={{
        height:
          props.height ??
          `min(60dvh, ${fitted.head + Math.max(rowHeight, virtual.getTotalSize()) + (minWidth > room - BORDERS ? SCROLLBAR : 0) + BORDERS}px)`
      }}
      role="table"
      aria-label={label}
      aria-rowcount={sorted.length + 1}
    >
      <Box role="rowgroup" className={classes.head} style={{ height: fitted.head }}>
        <Box role="row" aria-rowindex={1} className={classes.row} style={{ gridTemplateColumns: template, minWidth }}>
          {selectable && (
            <Box role="columnheader" className={classes.cell}>
              <Checkbox
                size="xs"
                aria-label="Choose all rows"
                checked={all}
                indeterminate={some && !all}
                onChange={() => onSelect(new Set(all ? [] : sorted.map(rowKey)))}
              />
            </Box>
          )}
          {columns.map((column) => (
            <Heading key={column.key} column={column} sort={sort} onSort={setSort} />
          ))}
        </Box>
      </Box>
      <Box role="rowgroup" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
        {virtual.getVirtualItems().map(({ index, start }) => {
          const row = sorted[index] as T
          const key = rowKey(row)
          return (
            <Box
              key={key}
              role="row"
              aria-rowindex={index + 2}
              aria-selected={selectable ? selected.has(key) : undefined}
              aria-current={current === key ? 'true' : undefined}
              data-index={index}
              tabIndex={index === activeIndex ? 0 : -1}
              className={classes.row}
              data-clickable={onOpen !== undefined || undefined}
              data-last={index === sorted.length - 1 || undefined}
              style={{
                gridTemplateColumns: template,
                minWidth,
                height: heights[index],
                transform: `translateY(${start}px)`
              }}
              onFocus={() => setActive(index)}
              onClick={() => onOpen?.(row)}
              onKeyDown={(event) => onKeyDown(event, index, row)}
            >
              {selectable && (
                <Box role="cell" className={classes.cell} onClick={(event) => event.stopPropagation()}>
                  <Checkbox
                    size="xs"
                    tabIndex={-1}
                    aria-label={`Choose ${key}`}
                    checked={selected.has(key)}
                    onChange={() => toggle(key)}
                  />
                </Box>
              )}
              {columns.map((column) => (
                <Box
                  key={column.key}
                  role="cell"
                  className={classes.cell}
                  data-align={column.align}
                  data-wrap={column.wrapAt !== undefined || undefined}
                >
                  {column.render(row)}
                </Box>
              ))}
            </Box>
          )
        })}
      </Box>
    </Box>
  )
}

interface HeadingProps<T> {
  readonly column: Column<T>
  readonly sort: Sort | undefined
  readonly onSort: (sort: Sort) => void
}

function Heading<T>({ column, sort, onSort }: HeadingProps<T>) {
  const active = sort?.key === column.key
  const direction = active ? (sort.descending ? 'descending' : 'ascending') : 'none'
  const { title, term } = column
  const words = (
    <Text span size="xs" fw={600} c="dimmed" lh={1.2} className={classes.title}>
      {term === undefined ? title : <span className={explained}>{title}</span>}
    </Text>
  )
  const heading =
    column.sortBy === undefined ? (
      words
    ) : (
      <UnstyledButton
        className={classes.sort}
        onClick={() => onSort({ key: column.key, descending: active ? !sort.descending : column.align === 'right' })}
      >
        {words}
        {active && (sort.descending ? <IconArrowDown size={12} aria-hidden /> : <IconArrowUp size={12} aria-hidden />)}
      </UnstyledButton>
    )
  return (
    <Box
      role="columnheader"
      aria-sort={column.sortBy === undefined ? undefined : direction}
      className={classes.cell}
      data-align={column.align}
    >
      {term === undefined ? heading : <Meaning name={term}>{heading}</Meaning>}
    </Box>
  )
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
