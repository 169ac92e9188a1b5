import { textWidth } from '../../shared/chartText'
import { formatNumber } from '../format/numbers'
import { usePalette } from './palette'

export interface Bar {
  readonly label: string
  readonly value: number
  /** Beside the number. */
  readonly note?: string
}

interface Props {
  readonly width: number
  readonly label: string
  readonly bars: readonly Bar[]
}

const ROW = 20

/** A few named amounts, the largest first, as bars from a common zero. */
export function BarList({ width, label, bars }: Props) {
  const palette = usePalette()
  const left = Math.max(...bars.map((bar) => textWidth(bar.label))) + 14
  const notes = Math.max(...bars.map(({ value, note }) => textWidth(`${formatNumber(value)} ${note ?? ''}`))) + 12
  const scale = (width - left - notes) / Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE)
  const described = bars.map((bar) => `${bar.label} ${formatNumber(bar.value)}`).join(', ')
  return (
    <svg
      data-chart
      role="img"
      aria-label={`${label}: ${described}`}
      width={width}
      height={ROW * bars.length}
      fontSize={12}
    >
      {bars.map(({ label: name, value, note }, i) => (
        <g key={name} fill={palette.text}>
          <text x={left - 8} y={ROW * (i + 0.5)} dy="0.35em" textAnchor="end">
            {name}
          </text>
          <rect
            x={left}
            y={ROW * i + 3}
            width={Math.max(1, value * scale)}
            height={ROW - 6}
            rx={2}
            fill={palette.better}
          />
          <text x={left + Math.max(1, value * scale) + 6} y={ROW * (i + 0.5)} dy="0.35em">
            {formatNumber(value)}
            {note !== undefined && (
              <tspan dx={6} fill={palette.dimmed}>
                {note}
              </tspan>
            )}
          </text>
        </g>
      ))}
    </svg>
  )
}
