import type { Palette } from './palette'
import type { Scale } from './scales'

interface Props {
  readonly x: Scale
  readonly y: Scale
  readonly box: PlotBox
  readonly palette: Palette
  readonly xLabel: string
  readonly yLabel: string
  readonly formatX: (value: number) => string
  readonly formatY: (value: number) => string
}

/** Where the data lie inside the picture. */
export interface PlotBox {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

/** A line for each tick of y, ticks of x, and what both count. */
export function Axes({ x, y, box, palette, xLabel, yLabel, formatX, formatY }: Props) {
  const { left, right, top, bottom } = box
  return (
    <g fontSize={11} fill={palette.dimmed}>
      {y.ticks.map((tick) => (
        <g key={tick}>
          <line x1={left} x2={right} y1={y(tick)} y2={y(tick)} stroke={palette.grid} />
          <text x={left - 6} y={y(tick)} dy="0.35em" textAnchor="end">
            {formatY(tick)}
          </text>
        </g>
      ))}
      <line x1={left} x2={right} y1={bottom} y2={bottom} stroke={palette.axis} />
      {x.ticks.map((tick) => (
        <g key={tick}>
          <line x1={x(tick)} x2={x(tick)} y1={bottom} y2={bottom + 4} stroke={palette.axis} />
          <text x={x(tick)} y={bottom + 16} textAnchor="middle">
            {formatX(tick)}
          </text>
        </g>
      ))}
      <text x={(left + right) / 2} y={bottom + 32} textAnchor="middle">
        {xLabel}
      </text>
      <text x={left} y={top - 8} textAnchor="start">
        {yLabel}
      </text>
    </g>
  )
}
