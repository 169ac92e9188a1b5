import { Box } from '@mantine/core'
import { type KeyboardEvent, type RefObject, type SyntheticEvent, useMemo, useRef, useState } from 'react'
import { textWidth } from '../../shared/chartText'
import { formatPercent } from '../format/numbers'
import { ChartTip, TipLine } from './ChartTip'
import type { ChartTable } from './chartTable'
import { usePalette } from './palette'
import { StripRow } from './StripRow'
import { HEAD, Heads, indices, Legend, ROW, type StripCell } from './stripCells'

interface Props {
  readonly width: number
  readonly label: string
  readonly cells: readonly StripCell[]
  readonly blocks: number
  /** Linears in a block; rows that have no name yet are kept free, so that nothing jumps while the run goes. */
  readonly rows?: number | undefined
  /** Where the scale ends; the same for all variants, so that switching between them compares. */
  readonly max: number
  /** The layer that a drawer shows. */
  readonly current?: string | undefined
  readonly onOpen: (layer: string) => void
}

const FOOT = 44

interface Place {
  readonly row: number
  readonly block: number
}

/**
 * One cell per block and linear, the bluer the more of the error is gone; cells fill while the run goes. One cell can be
 * reached by Tab, arrow keys move between cells, Enter opens.
 */
export function BlockStrip({ width, label, cells, blocks, rows: expected = 0, max, current, onOpen }: Props) {
  const palette = usePalette()
  const grid = useRef<HTMLDivElement>(null)
  const rows = useMemo(() => rowNames(cells, expected), [cells, expected])
  const at = useMemo(() => new Map(cells.map((cell) => [`${cell.block} ${cell.linear}`, cell])), [cells])
  const cellAt = ({ row, block }: Place): StripCell | undefined => at.get(`${block} ${rows[row]}`)
  const left = Math.min(width * 0.3, Math.max(...rows.map((name) => textWidth(name, 11))) + 12)
  const size = Math.max(7, Math.min(96, (width - left - 2) / Math.max(1, blocks)))
  const height = HEAD + ROW * rows.length + FOOT

  const open = (place: Place): void => {
    const cell = cellAt(place)
    if (cell !== undefined) onOpen(cell.layer)
  }
  const { active, pointed, handlers } = usePlaces(grid, { rows: rows.length, blocks }, open)
  const shown = pointed && cellAt(pointed)
  return (
    <Box pos="relative">
      <Box
        ref={grid}
        style={{ overflowX: 'auto' }}
        role="grid"
        aria-label={label}
        aria-rowcount={rows.length}
        aria-colcount={blocks}
        {...handlers}
      >
        <svg
          data-chart
          role="presentation"
          width={Math.max(width - 1, left + size * blocks + 2)}
          height={height}
          style={{ display: 'block' }}
        >
          <Heads {...{ blocks, left, size, palette }} />
          {rows.map((linear, row) => (
            <StripRow
              key={linear}
              {...{ linear, row, blocks, left, size, max, palette, current }}
              cellAt={(block) => cellAt({ row, block })}
              tabbable={active.row === row ? active.block : undefined}
            />
          ))}
          <Legend x={left} y={height - FOOT + 12} palette={palette} max={max} />
        </svg>
      </Box>
      {pointed !== undefined && shown !== undefined && (
        <CellTip
          cell={shown}
          x={left + size * (pointed.block + 1) - (grid.current?.scrollLeft ?? 0)}
          y={HEAD + ROW * (pointed.row + 1) + 4}
          width={width}
        />
      )}
    </Box>
  )
}

/** The cell that Tab reaches, and the one that is pointed at or focused. */
function usePlaces(
  grid: RefObject<HTMLDivElement | null>,
  { rows, blocks }: { readonly rows: number; readonly blocks: number },
  open: (place: Place) => void
) {
  const [active, setActive] = useState<Place>({ row: 0, block: 0 })
  const [pointed, setPointed] = useState<Place>()
  const focus = (to: Place): void => {
    const row = Math.max(0, Math.min(rows - 1, to.row))
    const block = Math.max(0, Math.min(blocks - 1, to.block))
    grid.current?.querySelector<SVGElement>(`[data-place="${row} ${block}"]`)?.focus()
  }
  const handlers = {
    onKeyDown(event: KeyboardEvent): void {
      const from = placeOf(event)
      if (from === undefined) return
      const to = movedBy(event.key, from, blocks)
      if (event.key === 'Enter' || event.key === ' ') open(from)
      else if (to !== undefined) focus(to)
      else return
      event.preventDefault()
      event.stopPropagation()
    },
    onFocus(event: SyntheticEvent): void {
      const place = placeOf(event)
      if (place !== undefined) setActive(place)
      setPointed(place)
    },
    onBlur: (): void => setPointed(undefined),
    onPointerOver: (event: SyntheticEvent): void => setPointed(placeOf(event)),
    onPointerLeave: (): void => setPointed(undefined),
    onClick(event: SyntheticEvent): void {
      const place = placeOf(event)
      if (place !== undefined) open(place)
    }
  }
  return { active, pointed, handlers }
}

interface CellTipProps {
  readonly cell: StripCell
  readonly x: number
  readonly y: number
  readonly width: number
}

function CellTip({ cell: { layer, share, details }, ...place }: CellTipProps) {
  return (
    <ChartTip {...place} title={layer}>
      <TipLine label="error removed" value={share === null ? 'not yet' : formatPercent(share)} />
      {details.map((detail) => (
        <TipLine key={detail.label} {...detail} />
      ))}
    </ChartTip>
  )
}

/** Where a key leads from a cell. */
function movedBy(key: string, { row, block }: Place, blocks: number): Place | undefined {
  const moves: Readonly<Record<string, Place>> = {
    ArrowRight: { row, block: block + 1 },
    ArrowLeft: { row, block: block - 1 },
    ArrowDown: { row: row + 1, block },
    ArrowUp: { row: row - 1, block },
    Home: { row, block: 0 },
    End: { row, block: blocks - 1 }
  }
  return moves[key]
}

/** The cell that an event came from. */
function placeOf({ target }: SyntheticEvent): Place | undefined {
  const place = target instanceof Element ? target.closest('[data-place]')?.getAttribute('data-place') : undefined
  const [row, block] = (place ?? '').split(' ').map(Number)
  return place == null || row === undefined || block === undefined ? undefined : { row, block }
}

/** The linears in the order in which they come, and rows for those that have no name yet. */
function rowNames(cells: readonly StripCell[], expected: number): string[] {
  const linears = [...new Set(cells.map(({ linear }) => linear))]
  const missing = Math.max(linears.length === 0 ? 1 : 0, expected - linears.length)
  // Names tell rows apart; these show as nothing.
  return [...linears, ...indices(missing).map((row) => '\u00a0'.repeat(row + 1))]
}

/** The strip as a table, one row per linear. */
export const blockStripTable = (cells: readonly StripCell[]): ChartTable => ({
  columns: ['block', 'linear', 'share of the calibrated error removed'],
  rows: cells.map(({ block, linear, share }) => [block, linear, share])
})
