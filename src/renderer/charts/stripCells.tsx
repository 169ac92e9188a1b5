import { memo } from 'react'
import { formatPercent } from '../format/numbers'
import { type Palette, shareColor, textOn } from './palette'

/* The parts of a block strip. Cells are drawn once: a strip may have a thousand of them, and pointing at one must not
 * draw the others again. */

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

export const ROW = 22
/** Height of the numbers of the blocks. */
export const HEAD = 18

interface CellProps {
  readonly cell: StripCell | undefined
  /** What the cell stands for, for people who hear it. */
  readonly name: string
  readonly palette: Palette
  readonly max: number
  readonly size: number
  readonly x: number
  readonly y: number
  readonly place: string
  readonly tabbable: boolean
  readonly current: boolean
}

/** Events are heard by the grid around it, which finds the cell by its place. */
export const StripCellMark = memo(function StripCellMark(props: CellProps) {
  const { cell, name, palette, max, size, x, y, place, tabbable, current } = props
  const share = cell?.share ?? null
  const fill = share === null ? palette.background : shareColor(palette, share, max)
  // The number in the cell is part of its name, so that people who speak commands can say what they see.
  const said = share === null ? 'not yet' : `${Math.round(100 * share)} % of the error removed`
  const number = share === null ? '' : size >= 30 ? String(Math.round(100 * share)) : share < 0 ? '–' : ''
  return (
    // biome-ignore lint/a11y/useSemanticElements: a cell of a picture
    <g
      role="gridcell"
      aria-label={`${name}: ${said}`}
      tabIndex={tabbable ? 0 : -1}
      data-place={place}
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
      {number !== '' && (
        <text x={x + size / 2} y={y + ROW / 2} dy="0.35em" textAnchor="middle" fontSize={11} fill={textOn(fill)}>
          {number}
        </text>
      )}
    </g>
  )
})

export const indices = (count: number): number[] => Array.from(Array(count).keys())

interface HeadsProps {
  readonly blocks: number
  readonly left: number
  readonly size: number
  readonly palette: Palette
}

/** Block numbers, as many as have room. */
export function Heads({ blocks, left, size, palette }: HeadsProps) {
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
export function Legend({
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
