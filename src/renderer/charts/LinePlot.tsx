import { Box, Button } from '@mantine/core'
import { type KeyboardEvent, type PointerEvent, useId, useMemo, useState } from 'react'
import type { Shape } from '../../shared/chartColors'
import { placeLabels, textWidth, wrapText } from '../../shared/chartText'
import { formatNumber } from '../format/numbers'
import { Axes, type PlotBox } from './Axes'
import { ChartTip, TipLine } from './ChartTip'
import { Marker } from './Marker'
import { MultilineText } from './MultilineText'
import { type Palette, usePalette } from './palette'
import { linearScale, logScale, type Scale } from './scales'
import { useCursor } from './useCursor'

export interface PlotPoint {
  readonly x: number
  readonly y: number
}

export interface PlotSeries {
  readonly key: string
  readonly label: string
  readonly color: string
  /** Dashes for what is a bound or an estimate, not a measurement. */
  readonly dashed?: boolean
  readonly points: readonly PlotPoint[]
}

/** A point with a name of its own: the rank that was chosen, and what it reached. */
export interface PlotMark extends PlotPoint {
  readonly key: string
  readonly label: string
  readonly color: string
  readonly shape: Shape
}

interface Props {
  readonly width: number
  readonly height?: number
  /** What the chart shows, for people who hear it. */
  readonly label: string
  readonly series: readonly PlotSeries[]
  readonly marks?: readonly PlotMark[]
  readonly xLabel: string
  readonly yLabel: string
  readonly logarithmic?: boolean
  /** Whether the axis of y begins at 0 unless zoomed; lengths then mean what they seem to. Default true. */
  readonly fromZero?: boolean
  readonly formatX?: (value: number) => string
  readonly formatY?: (value: number) => string
}

/** Least width of the column of names, and of the window that it takes at most. */
const LABEL_WIDTH = 116
const LABEL_SHARE = 0.4
const LABEL_LINE = 14

/**
 * Lines and named points over a common x. Dragging zooms into a range of x, a double click or Escape shows all again;
 * arrow keys and pointer move a crosshair that reads every line.
 */
export function LinePlot(props: Props) {
  const { width, series, marks = [], logarithmic = false, fromZero = true } = props
  const { formatX = String, formatY = formatNumber } = props
  const palette = usePalette()
  const clip = useId()
  const [zoom, setZoom] = useState<readonly [number, number]>()
  const [drag, setDrag] = useState<{ readonly from: number; readonly to: number }>()
  const places = xPlaces(series, marks, zoom)
  const cursor = useCursor(places.length, nearest(places, marks[0]?.x ?? 0))
  const labels = useMemo(() => labelsOf(marks, width), [marks, width])
  // Names never touch and are never cut: where there are many the chart grows.
  const height = Math.max(props.height ?? 260, labels.height + 56)
  const box: PlotBox = { left: 52, right: Math.max(140, width - labels.width), top: 24, bottom: height - 40 }
  const { x, y } = scalesOf(series, marks, zoom, box, logarithmic, fromZero)
  const at = cursor.index === undefined ? undefined : places[cursor.index]
  const readings = at === undefined ? [] : readingsAt(at, series, marks)

  const place = (event: PointerEvent): number =>
    Math.max(box.left, Math.min(box.right, event.clientX - event.currentTarget.getBoundingClientRect().left))

  function onPointerMove(event: PointerEvent): void {
    const to = place(event)
    cursor.set(nearest(places, x.invert(to)))
    if (drag !== undefined) setDrag({ ...drag, to })
  }

  function onPointerUp(): void {
    if (drag !== undefined && Math.abs(drag.to - drag.from) > 6) {
      const ends = [x.invert(drag.from), x.invert(drag.to)].sort((a, b) => a - b) as [number, number]
      if (places.filter((one) => one >= ends[0] && one <= ends[1]).length > 1) setZoom(ends)
    }
    setDrag(undefined)
  }

  function onKeyDown(event: KeyboardEvent): void {
    cursor.onKeyDown(event)
    if (event.key === '+' || event.key === '-') setZoom(zoomed(places, at ?? places[0] ?? 0, event.key === '+'))
    if (event.key !== 'Escape' || zoom === undefined) return
    event.stopPropagation()
    setZoom(undefined)
  }

  return (
    <Box
      pos="relative"
      role="slider"
      tabIndex={0}
      aria-label={`${props.label}; ${props.xLabel}`}
      aria-valuemin={places[0] ?? 0}
      aria-valuemax={places.at(-1) ?? 0}
      aria-valuenow={at ?? places[0] ?? 0}
      aria-valuetext={
        at === undefined
          ? 'arrow keys read the values'
          : `${props.xLabel} ${formatX(at)}: ${readings.map(({ label, y: value }) => `${label} ${formatY(value)}`).join(', ')}`
      }
      onKeyDown={onKeyDown}
      onBlur={() => cursor.set(undefined)}
    >
      <svg
        data-chart
        aria-hidden
        width={width}
        height={height}
        style={{ display: 'block', touchAction: 'none', userSelect: 'none', cursor: 'crosshair' }}
        onPointerMove={onPointerMove}
        onPointerLeave={(event) => {
          cursor.onPointerLeave(event)
          setDrag(undefined)
        }}
        onPointerDown={(event) => setDrag({ from: place(event), to: place(event) })}
        onPointerUp={onPointerUp}
        onDoubleClick={() => setZoom(undefined)}
      >
        <clipPath id={clip}>
          <rect x={box.left} y={box.top - 6} width={box.right - box.left} height={box.bottom - box.top + 6} />
        </clipPath>
        <Axes {...{ x, y, box, palette, formatX, formatY }} xLabel={props.xLabel} yLabel={props.yLabel} />
        <g clipPath={`url(#${clip})`} fill="none" strokeWidth={2} strokeLinejoin="round">
          {series.map(({ key, points, color, dashed }) => (
            <polyline
              key={key}
              points={points.map((point) => `${x(point.x).toFixed(1)},${y(point.y).toFixed(1)}`).join(' ')}
              stroke={color}
              {...(dashed && { strokeDasharray: '4 4', strokeWidth: 1.5 })}
            />
          ))}
        </g>
        <Marks {...{ marks, x, y, box, palette }} lines={labels.lines} />
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
      </svg>
      {at !== undefined && drag === undefined && (
        <ChartTip x={x(at)} y={box.top} width={width} title={`${props.xLabel} ${formatX(at)}`}>
          {readings.slice(0, 10).map((one) => (
            <TipLine key={one.key} color={one.color} label={one.label} value={formatY(one.y)} />
          ))}
        </ChartTip>
      )}
      {zoom !== undefined && (
        <Button size="compact-xs" variant="default" pos="absolute" top={0} right={0} onClick={() => setZoom(undefined)}>
          Show all
        </Button>
      )}
    </Box>
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
function Marks({ marks, x, y, box, palette, lines }: MarksProps) {
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

/** Names of several lines stand a little apart. */
const labelHeight = (lines: readonly string[]): number => LABEL_LINE * lines.length + (lines.length > 1 ? 5 : 1)

/** The names of marks, as wide as the longest where there is room, else in lines. */
function labelsOf(marks: readonly PlotMark[], width: number) {
  const longest = Math.max(0, ...marks.map(({ label }) => textWidth(label))) + 16
  const column = Math.max(LABEL_WIDTH, Math.min(longest, width * LABEL_SHARE))
  const lines = new Map(marks.map(({ key, label }) => [key, wrapText(label, column - 14)]))
  const height = [...lines.values()].reduce((sum, own) => sum + labelHeight(own), 0)
  return { width: column, lines, height }
}

type Zoom = readonly [number, number] | undefined
const inside = (zoom: Zoom) => (point: PlotPoint) => zoom === undefined || (point.x >= zoom[0] && point.x <= zoom[1])

function xPlaces(series: readonly PlotSeries[], marks: readonly PlotMark[], zoom: Zoom): number[] {
  const all = [...series.flatMap(({ points }) => points), ...marks].filter(inside(zoom)).map(({ x }) => x)
  return [...new Set(all)].sort((a, b) => a - b)
}

function scalesOf(
  series: readonly PlotSeries[],
  marks: readonly PlotMark[],
  zoom: Zoom,
  { left, right, top, bottom }: PlotBox,
  logarithmic: boolean,
  fromZero: boolean
) {
  const all = [...series.flatMap(({ points }) => points), ...marks]
  const visible = all.filter(inside(zoom)).map(({ y }) => y)
  const xs = all.map(({ x }) => x)
  const x = linearScale(
    zoom ?? [Math.min(...xs, 0), Math.max(...xs, 1)],
    [left, right],
    Math.min(8, (right - left) / 60)
  )
  const positive = visible.filter((value) => value > 0)
  if (logarithmic && positive.length > 0) {
    const y = logScale([Math.min(...positive), Math.max(...positive)], [bottom, top])
    // What is zero has no place on a logarithmic axis: it lies on its floor.
    const floor = Math.min(...positive)
    return { x, y: Object.assign((value: number) => y(Math.max(value, floor)), { invert: y.invert, ticks: y.ticks }) }
  }
  const [low, high] = [Math.min(...visible), Math.max(...visible)]
  if (fromZero && zoom === undefined) return { x, y: linearScale([Math.min(0, low), Math.max(0, high)], [bottom, top]) }
  const space = (high - low) * 0.05
  return { x, y: linearScale([low - space, high + space], [bottom, top]) }
}

/** Every line's value at one x, and the names of the marks there. */
function readingsAt(at: number, series: readonly PlotSeries[], marks: readonly PlotMark[]) {
  const lines = series.flatMap(({ key, label, color, points }) => {
    const found = points.find(({ x }) => x === at)
    return found === undefined ? [] : [{ key, label, color, y: found.y }]
  })
  return [...lines, ...marks.filter(({ x }) => x === at)]
}

function nearest(places: readonly number[], value: number): number {
  let best = 0
  for (const [i, place] of places.entries()) {
    if (Math.abs(place - value) < Math.abs((places[best] as number) - value)) best = i
  }
  return best
}

/** Half or twice the range, around the crosshair. */
function zoomed(places: readonly number[], at: number, closer: boolean): Zoom {
  const [low, high] = [places[0] ?? 0, places.at(-1) ?? 1]
  if (!closer) return undefined
  const half = (high - low) / 4
  return half < 1e-9 ? undefined : [Math.max(low, at - half), Math.min(high, at + half)]
}
