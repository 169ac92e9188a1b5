import { placeLabels } from '../../shared/chartText'
import type { PlotBox } from './Axes'
import { Marker } from './Marker'
import { MultilineText } from './MultilineText'
import type { Palette } from './palette'
import { labelHeight, type PlotMark, type PlotSeries, type readingsAt } from './plot'
import type { Scale } from './scales'
import type { Drag } from './useDrag'

interface LinesProps {
  readonly series: readonly PlotSeries[]
  readonly x: Scale
  readonly y: Scale
  /** Id of the clip path. */
  readonly clip: string
}

export function Lines({ series, x, y, clip }: LinesProps) {
  return (
    <g clipPath={`url(#${clip})`} fill="none" strokeWidth={2} strokeLinejoin="round">
      {series.map(({ key, points, color }) => (
        <path key={`${key} bars`} d={barsOf(points, x, y)} stroke={color} strokeWidth={1.25} />
      ))}
      {series.map(({ key, points, color, dashed }) => (
        <polyline
          key={key}
          points={points.map((point) => `${x(point.x).toFixed(1)},${y(point.y).toFixed(1)}`).join(' ')}
          stroke={color}
          {...(dashed && { strokeDasharray: '4 4', strokeWidth: 1.5 })}
        />
      ))}
    </g>
  )
}

/** Half the width of the ends of error bars, in pixels. */
const CAP = 4

/** The error bars of a line, as one path. */
function barsOf(points: PlotSeries['points'], x: Scale, y: Scale): string {
  return points
    .flatMap(({ x: at, y: value, error = 0 }) => {
      if (!(error > 0)) return []
      const [middle, top, bottom] = [x(at), y(value + error), y(value - error)].map((place) => place.toFixed(1))
      const cap = (height: string | undefined): string => `M${x(at) - CAP},${height}h${2 * CAP}`
      return [`M${middle},${top}V${bottom}${cap(top)}${cap(bottom)}`]
    })
    .join('')
}

interface PointedProps {
  readonly x: Scale
  readonly y: Scale
  readonly box: PlotBox
  readonly palette: Palette
  readonly at: number | undefined
  readonly readings: ReturnType<typeof readingsAt>
  readonly drag: Drag | undefined
}

/** The place that is looked at, and the range that is dragged over; not in saved pictures. */
export function Pointed({ x, y, box, palette, at, readings, drag }: PointedProps) {
  return (
    <g data-window-only>
      {at !== undefined && (
        <>
          <line x1={x(at)} x2={x(at)} y1={box.top} y2={box.bottom} stroke={palette.axis} strokeDasharray="2 3" />
          {readings.map((one) => (
            <circle key={one.key} cx={x(at)} cy={y(one.y)} r={3.5} fill={one.color} />
          ))}
        </>
      )}
      {drag !== undefined && (
        <rect
          x={Math.min(drag.from, drag.to)}
          y={box.top}
          width={Math.abs(drag.to - drag.from)}
          height={box.bottom - box.top}
          fill={palette.better}
          fillOpacity={0.15}
        />
      )}
    </g>
  )
}

interface MarksProps {
  readonly marks: readonly PlotMark[]
  readonly x: Scale
  readonly y: Scale
  readonly box: PlotBox
  readonly palette: Palette
  /** The name of each mark, broken to the width of their column. */
  readonly lines: ReadonlyMap<string, readonly string[]>
}

/** Named points. Their names stand in a column on the right, apart from each other, tied to their points by thin lines. */
export function Marks({ marks, x, y, box, palette, lines }: MarksProps) {
  const shown = marks.filter((mark) => x(mark.x) >= box.left - 1 && x(mark.x) <= box.right + 1)
  const places = placeLabels(
    shown.map((mark) => ({ at: y(mark.y), size: labelHeight(lines.get(mark.key) ?? []) })),
    box.top - 8,
    box.bottom + 8
  )
  return (
    <g fontSize={12}>
      {shown.map((mark, i) => (
        <g key={mark.key}>
          <path
            d={`M${x(mark.x)},${y(mark.y)}L${box.right + 4},${places[i]}L${box.right + 8},${places[i]}`}
            fill="none"
            stroke={mark.color}
            strokeWidth={0.75}
          />
          <Marker shape={mark.shape} x={x(mark.x)} y={y(mark.y)} color={mark.color} halo={palette.background} />
          <MultilineText
            x={box.right + 11}
            y={places[i] as number}
            fill={mark.color}
            lines={lines.get(mark.key) ?? []}
          />
        </g>
      ))}
    </g>
  )
}
