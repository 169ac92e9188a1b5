import { Box } from '@mantine/core'
import { type KeyboardEvent, useRef, useState } from 'react'
import { formatPercent } from '../format/numbers'
import { ChartTip, TipLine } from './ChartTip'
import type { ChartTable } from './chartTable'
import { textWidth } from './labels'
import { type Palette, shareColor, textOn, usePalette } from './palette'

/** One linear of one block. */
export interface StripCell {
  /** Module path; also the cell's key. */
  readonly layer: string
  readonly block: number
  /** Name within its block: "mlp.up_proj". */
  readonly linear: string
  /** Share of the calibrated error removed; null while it is unknown. */
  readonly share: number | null
  /** What else hovering shows. */
  readonly details: readonly { readonly label: string; readonly value: string }[]
}

interface Props {
  readonly width: number
  readonly label: string
  readonly cells: readonly StripCell[]
  readonly blocks: number
  /** Where the scale ends; the same for all variants, so that switching between them compares. */
  readonly max: number
  /** The layer that a drawer shows. */
  readonly current?: string | undefined
  readonly onOpen: (layer: string) => void
}

const ROW = 22
const HEAD = 18
const FOOT = 44

/**
 * One cell per block and linear, the bluer the more of the error is gone; cells fill while the run goes. One cell can be
 * reached by Tab, arrow keys move between cells, Enter opens.
 */
export function BlockStrip({ width, label, cells, blocks, max, current, onOpen }: Props) {
  const palette = usePalette()
  const grid = useRef<HTMLDivElement>(null)
  const [active, setActive] = useState<Place>({ row: 0, block: 0 })
  const [pointed, setPointed] = useState<StripCell>()
  const linears = [...new Set(cells.map(({ linear }) => linear))]
  const rows = linears.length === 0 ? [''] : linears
  const at = new Map(cells.map((cell) => [`${cell.block} ${cell.linear}`, cell]))
  const left = Math.min(width * 0.3, Math.max(...rows.map((name) => textWidth(name, 11))) + 12)
  const size = Math.max(7, Math.min(96, (width - left - 2) / Math.max(1, blocks)))
  const height = HEAD + ROW * rows.length + FOOT
  const place = (cell: StripCell) => ({ x: left + size * cell.block, y: HEAD + ROW * rows.indexOf(cell.linear) })

  function onKeyDown(event: KeyboardEvent, from: Place): void {
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
    const cell = at.get(`${block} ${rows[row]}`)
    if ((event.key === 'Enter' || event.key === ' ') && cell !== undefined) onOpen(cell.layer)
    else if (to !== undefined) focus(to)
    else return
    event.preventDefault()
    event.stopPropagation()
  }

  function focus(to: Place): void {
    const next = {
      row: Math.max(0, Math.min(rows.length - 1, to.row)),
      block: Math.max(0, Math.min(blocks - 1, to.block))
    }
    setActive(next)
    grid.current?.querySelector<SVGElement>(`[data-place="${next.row} ${next.block}"]`)?.focus()
  }

  return (
    <Box
      pos="relative"
      ref={grid}
      style={{ overflowX: 'auto' }}
      role="grid"
      aria-label={label}
      aria-rowcount={rows.length}
      aria-colcount={blocks}
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
          <g key={linear} role="row" aria-label={linear}>
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
              const cell = at.get(`${block} ${linear}`)
              const isActive = active.row === row && active.block === block
              return (
                <Cell
                  key={`${block} ${linear}`}
                  {...{ cell, block, linear, palette, max, size }}
                  x={left + size * block}
                  y={HEAD + ROW * row}
                  place={`${row} ${block}`}
                  tabbable={isActive}
                  current={cell !== undefined && cell.layer === current}
                  onFocus={() => {
                    setActive({ row, block })
                    setPointed(cell)
                  }}
                  onLeave={() => setPointed(undefined)}
                  onPoint={() => setPointed(cell)}
                  onOpen={() => cell !== undefined && onOpen(cell.layer)}
                  onKeyDown={(event) => onKeyDown(event, { row, block })}
                />
              )
            })}
          </g>
        ))}
        <Legend x={left} y={height - FOOT + 12} palette={palette} max={max} />
      </svg>
      {pointed !== undefined && (
        <ChartTip x={place(pointed).x + size} y={place(pointed).y + ROW + 4} width={width} title={pointed.layer}>
          <TipLine label="error removed" value={pointed.share === null ? 'not yet' : formatPercent(pointed.share)} />
          {pointed.details.map((detail) => (
            <TipLine key={detail.label} {...detail} />
          ))}
        </ChartTip>
      )}
    </Box>
  )
}

const indices = (count: number): number[] => Array.from(Array(count).keys())

interface Place {
  readonly row: number
  readonly block: number
}

interface CellProps {
  readonly cell: StripCell | undefined
  readonly block: number
  readonly linear: string
  readonly palette: Palette
  readonly max: number
  readonly size: number
  readonly x: number
  readonly y: number
  readonly place: string
  readonly tabbable: boolean
  readonly current: boolean
  readonly onFocus: () => void
  readonly onLeave: () => void
  readonly onPoint: () => void
  readonly onOpen: () => void
  readonly onKeyDown: (event: KeyboardEvent) => void
}

function Cell(props: CellProps) {
  const { cell, block, linear, palette, max, size, x, y, current } = props
  const share = cell?.share ?? null
  const fill = share === null ? palette.background : shareColor(palette, share, max)
  // The number in the cell is part of its name, so that people who speak commands can say what they see.
  const said = share === null ? 'not yet' : `${Math.round(100 * share)} % of the error removed`
  return (
    // biome-ignore lint/a11y/useSemanticElements: a cell of a picture
    <g
      role="gridcell"
      aria-label={`block ${block}, ${linear}: ${said}`}
      tabIndex={props.tabbable ? 0 : -1}
      data-place={props.place}
      data-layer={cell?.layer}
      onFocus={props.onFocus}
      onBlur={props.onLeave}
      onPointerEnter={props.onPoint}
      onPointerLeave={props.onLeave}
      onClick={props.onOpen}
      onKeyDown={props.onKeyDown}
      style={{ cursor: cell === undefined ? 'default' : 'pointer' }}
    >
      <rect
        x={x + 1}
        y={y + 1}
        width={size - 2}
        height={ROW - 2}
        rx={2}
        fill={fill}
        stroke={current ? palette.text : share === null ? palette.grid : fill}
        strokeWidth={current ? 2 : 1}
      />
      {share !== null && size >= 30 && (
        <text x={x + size / 2} y={y + ROW / 2} dy="0.35em" textAnchor="middle" fontSize={11} fill={textOn(fill)}>
          {Math.round(100 * share)}
        </text>
      )}
      {share !== null && share < 0 && size < 30 && (
        <text x={x + size / 2} y={y + ROW / 2} dy="0.35em" textAnchor="middle" fontSize={9} fill={textOn(fill)}>
          –
        </text>
      )}
    </g>
  )
}

interface HeadsProps {
  readonly blocks: number
  readonly left: number
  readonly size: number
  readonly palette: Palette
}

/** Block numbers, as many as have room. */
function Heads({ blocks, left, size, palette }: HeadsProps) {
  const every = [1, 2, 5, 10, 20, 50, 100].find((step) => step * size >= 22) ?? 200
  return (
    <g aria-hidden fontSize={11} fill={palette.dimmed} textAnchor="middle">
      {indices(blocks)
        .filter((block) => block % every === 0)
        .map((block) => (
          <text key={block} x={left + size * (block + 0.5)} y={12}>
            {block}
          </text>
        ))}
    </g>
  )
}

/** What the colours mean. */
function Legend({
  x,
  y,
  palette,
  max
}: {
  readonly x: number
  readonly y: number
  readonly palette: Palette
  readonly max: number
}) {
  const steps = 24
  return (
    <g aria-hidden fontSize={11} fill={palette.dimmed}>
      {indices(steps).map((i) => (
        <rect
          key={i}
          x={x + 6 * i}
          y={y}
          width={6.5}
          height={8}
          fill={shareColor(palette, (i / (steps - 1)) * max, max)}
        />
      ))}
      <text x={x} y={y + 22}>
        0 %
      </text>
      <text x={x + 6 * steps} y={y + 22} textAnchor="end">
        {formatPercent(max, 0)}
      </text>
      <text x={x + 6 * steps + 12} y={y + 8}>
        of the calibrated error removed
      </text>
    </g>
  )
}

/** The strip as a table, one row per linear. */
export const blockStripTable = (cells: readonly StripCell[]): ChartTable => ({
  columns: ['block', 'linear', 'share of the calibrated error removed'],
  rows: cells.map(({ block, linear, share }) => [block, linear, share])
})
