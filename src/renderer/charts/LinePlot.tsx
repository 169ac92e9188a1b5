import { Box, Button } from '@mantine/core'
import { type KeyboardEvent, useId, useMemo, useState } from 'react'
import { formatNumber } from '../format/numbers'
import { Axes, type PlotBox } from './Axes'
import { ChartTip, TipLine } from './ChartTip'
import { usePalette } from './palette'
import { labelsOf, nearest, type PlotMark, type PlotSeries, readingsAt, scalesOf, xPlaces, zoomed } from './plot'
import { Lines, Marks, Pointed } from './plotParts'
import { useCursor } from './useCursor'
import { useDrag } from './useDrag'

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

/**
 * Lines and named points over a common x. Dragging zooms into a range of x, a double click or Escape shows all again;
 * arrow keys and pointer move a crosshair that reads every line.
 */
export function LinePlot(props: Props) {
  const { width, series, marks = NO_MARKS } = props
  const { formatX = String, formatY = formatNumber } = props
  const palette = usePalette()
  const clip = useId()
  const labels = useMemo(() => labelsOf(marks, width), [marks, width])
  // Names never touch and are never cut: where there are many the chart grows.
  const height = Math.max(props.height ?? 260, labels.height + 56)
  const box: PlotBox = { left: 52, right: Math.max(140, width - labels.width), top: 24, bottom: height - 40 }
  const { x, y, places, at, drag, zoom, showAll, leave, onKeyDown, handlers } = useRange(props, box)
  const readings = at === undefined ? [] : readingsAt(at, series, marks)
  const place = at === undefined ? '' : `${props.xLabel} ${formatX(at)}`
  const withBar = (one: { y: number; error: number }): string =>
    `${formatY(one.y)}${one.error > 0 ? ` ± ${formatY(one.error)}` : ''}`
  const told = readings.map((one) => `${one.label} ${withBar(one)}`).join(', ')
  return (
    <Box
      pos="relative"
      role="slider"
      tabIndex={0}
      aria-label={`${props.label}; ${props.xLabel}`}
      aria-valuemin={places[0] ?? 0}
      aria-valuemax={places.at(-1) ?? 0}
      aria-valuenow={at ?? places[0] ?? 0}
      aria-valuetext={at === undefined ? 'arrow keys read the values' : `${place}: ${told}`}
      onKeyDown={onKeyDown}
      onBlur={leave}
    >
      <svg
        data-chart
        aria-hidden
        width={width}
        height={height}
        style={{ display: 'block', touchAction: 'none', userSelect: 'none', cursor: 'crosshair' }}
        {...handlers}
        onDoubleClick={showAll}
      >
        <clipPath id={clip}>
          <rect x={box.left} y={box.top - 6} width={box.right - box.left} height={box.bottom - box.top + 6} />
        </clipPath>
        <Axes {...{ x, y, box, palette, formatX, formatY }} xLabel={props.xLabel} yLabel={props.yLabel} />
        <Lines {...{ series, x, y }} clip={clip} />
        <Marks {...{ marks, x, y, box, palette }} lines={labels.lines} />
        <Pointed {...{ x, y, box, palette, at, readings, drag }} />
      </svg>
      {at !== undefined && drag === undefined && (
        <ChartTip x={x(at)} y={box.top} width={width} title={place}>
          {readings.slice(0, 10).map((one) => (
            <TipLine key={one.key} color={one.color} label={one.label} value={withBar(one)} />
          ))}
        </ChartTip>
      )}
      {zoom !== undefined && (
        <Button size="compact-xs" variant="default" pos="absolute" top={0} right={0} onClick={showAll}>
          Show all
        </Button>
      )}
    </Box>
  )
}

const NO_MARKS: readonly PlotMark[] = []

/** The range of x that is shown, the place in it that is looked at, and what moves both: pointer, keys, dragging. */
function useRange({ series, marks = NO_MARKS, logarithmic = false, fromZero = true }: Props, box: PlotBox) {
  const [zoom, setZoom] = useState<readonly [number, number]>()
  const places = xPlaces(series, marks, zoom)
  const cursor = useCursor(places.length, nearest(places, marks[0]?.x ?? 0))
  const { x, y } = scalesOf(series, marks, zoom, box, logarithmic, fromZero)
  const at = cursor.index === undefined ? undefined : places[cursor.index]
  const look = (offset: number): void => cursor.set(nearest(places, x.invert(offset)))
  const zoomTo = (from: number, to: number): void => {
    const ends = [x.invert(from), x.invert(to)].sort((a, b) => a - b) as [number, number]
    if (places.filter((one) => one >= ends[0] && one <= ends[1]).length > 1) setZoom(ends)
  }
  const { drag, handlers } = useDrag(box, look, zoomTo, cursor.onPointerLeave)
  const showAll = (): void => setZoom(undefined)
  function onKeyDown(event: KeyboardEvent): void {
    cursor.onKeyDown(event)
    if (event.key === '+' || event.key === '-') setZoom(zoomed(places, at ?? places[0] ?? 0, event.key === '+'))
    if (event.key !== 'Escape' || zoom === undefined) return
    event.stopPropagation()
    showAll()
  }
  return { x, y, places, at, drag, zoom, showAll, leave: () => cursor.set(undefined), onKeyDown, handlers }
}
