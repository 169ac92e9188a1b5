import type { Palette } from './palette'
import { HEAD, indices, ROW, type StripCell, StripCellMark } from './stripCells'

interface Props {
  readonly linear: string
  readonly row: number
  readonly blocks: number
  readonly cellAt: (block: number) => StripCell | undefined
  /** The block whose cell Tab reaches. */
  readonly tabbable: number | undefined
  readonly left: number
  readonly size: number
  readonly max: number
  readonly palette: Palette
  readonly current: string | undefined
}

/** The cells of one linear, block after block. */
export function StripRow({ linear, row, blocks, cellAt, tabbable, left, size, max, palette, current }: Props) {
  const y = HEAD + ROW * row
  const name = linear.trim() || 'not known yet'
  return (
    // biome-ignore lint/a11y/useSemanticElements: rows of a picture are groups
    <g role="row" aria-label={name}>
      <text aria-hidden x={left - 8} y={y + ROW / 2} dy="0.35em" textAnchor="end" fontSize={11} fill={palette.dimmed}>
        {linear}
      </text>
      {indices(blocks).map((block) => {
        const cell = cellAt(block)
        return (
          <StripCellMark
            key={block}
            {...{ cell, palette, max, size, y }}
            name={`block ${block}, ${name}`}
            x={left + size * block}
            place={`${row} ${block}`}
            tabbable={tabbable === block}
            current={cell !== undefined && cell.layer === current}
          />
        )
      })}
    </g>
  )
}
