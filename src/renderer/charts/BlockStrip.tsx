import { Box } from '@mantine/core'
import { type KeyboardEvent, type SyntheticEvent, useMemo, useRef, useState } from 'react'
import { textWidth } from '../../shared/chartText'
import { formatPercent } from '../format/numbers'
import { ChartTip, TipLine } from './ChartTip'
import type { ChartTable } from './chartTable'
import { usePalette } from './palette'
import { Heads, indices, Legend, ROW, type StripCell, StripCellMark } from './stripCells'

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

const HEAD = 18
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
  const [active, setActive] = useState<Place>({ row: 0, block: 0 })
  const [pointed, setPointed] = useState<Place>()
  const rows = useMemo(() => rowNames(cells, expected), [cells, expected])
  const at = useMemo(() => new Map(cells.map((cell) => [`${cell.block} ${cell.linear}`, cell])), [cells])
  const cellAt = ({ row, block }: Place): StripCell | undefined => at.get(`${block} ${rows[row]}`)
  const left = Math.min(width * 0.3, Math.max(...rows.map((name) => textWidth(name, 11))) + 12)
  const size = Math.max(7, Math.min(96, (width - left - 2) / Math.max(1, blocks)))
  const height = HEAD + ROW * rows.length + FOOT
  const shown = pointed && cellAt(pointed)

  function open(place: Place | undefined): void {
    const cell = place && cellAt(place)
    if (cell !== undefined) onOpen(cell.layer)
  }

  function onKeyDown(event: KeyboardEvent): void {
    const from = placeOf(event)
    if (from === undefined) return
    const { row, block } = from
    const moves: Record<string, Place> = {
      ArrowRight: { row, block: block + 1 },
      ArrowLeft: { row, block: block - 1 },
      ArrowDown: { row: row + 1, block },
      ArrowUp: { row: row - 1, block },
      Home: { row, block: 0 },
      End: { row, block: blocks - 1 }
    }
    const to = moves[event.key]
    if (event.key === 'Enter' || event.key === ' ') open(from)
    else if (to !== undefined) focus(to)
    else return
    event.preventDefault()
    event.stopPropagation()
  }

  function focus(to: Place): void {
    const row = Math.max(0, Math.min(rows.length - 1, to.row))
    const block = Math.max(0, Math.min(blocks - 1, to.block))
    grid.current?.querySelector<SVGElement>(`[data-place="${row} ${block}"]`)?.focus()
  }

  function onFocus(event: SyntheticEvent): void {
    const place = placeOf(event)
    if (place !== undefined) setActive(place)
    setPointed(place)
  }

  return (
    <Box pos="relative">
      <Box
        ref={grid}
        style={{ overflowX: 'auto' }}
        role="grid"
        aria-label={label}
        aria-rowcount={rows.length}
        aria-colcount={blocks}
        onKeyDown={onKeyDown}
        onFocus={onFocus}
        onBlur={() => setPointed(undefined)}
        onPointerOver={(event) => setPointed(placeOf(event))}
        onPointerLeave={() => setPointed(undefined)}
        onClick={(event) => open(placeOf(event))}
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
            // biome-ignore lint/a11y/useSemanticElements: rows of a picture are groups
            <g key={linear} role="row" aria-label={linear.trim() || 'not known yet'}>
              <text
                aria-hidden
                x={left - 8}
                y={HEAD + ROW * (row + 0.5)}
                dy="0.35em"
                textAnchor="end"
                fontSize={11}
                fill={palette.dimmed}
              >
                {linear}
              </text>
              {indices(blocks).map((block) => {
                const cell = cellAt({ row, block })
                return (
                  <StripCellMark
                    key={block}
                    {...{ cell, palette, max, size }}
                    name={`block ${block}, ${linear.trim() || 'not known yet'}`}
                    x={left + size * block}
                    y={HEAD + ROW * row}
                    place={`${row} ${block}`}
                    tabbable={active.row === row && active.block === block}
                    current={cell !== undefined && cell.layer === current}
                  />
                )
              })}
            </g>
          ))}
          <Legend x={left} y={height - FOOT + 12} palette={palette} max={max} />
        </svg>
      </Box>
      {pointed !== undefined && shown !== undefined && (
        <ChartTip
          x={left + size * (pointed.block + 1) - (grid.current?.scrollLeft ?? 0)}
          y={HEAD + ROW * (pointed.row + 1) + 4}
          width={width}
          title={shown.layer}
        >
          <TipLine label="error removed" value={shown.share === null ? 'not yet' : formatPercent(shown.share)} />
          {shown.details.map((detail) => (
            <TipLine key={detail.label} {...detail} />
          ))}
        </ChartTip>
      )}
    </Box>
  )
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
