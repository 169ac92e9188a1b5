import { Box } from '@mantine/core'
import type { KeyboardEvent, PointerEvent } from 'react'
import { formatCount, formatNumber } from '../format/numbers'
import { Axes, type PlotBox } from './Axes'
import { ChartTip, TipLine } from './ChartTip'
import type { ChartTable } from './chartTable'
import { usePalette } from './palette'
import { linearScale } from './scales'
import { useCursor } from './useCursor'

/** Counts of values before and after, in the same bins of equal width from −range to range. */
export interface HistogramFigures {
  readonly range: number
  readonly before: readonly number[]
  readonly after: readonly number[]
}

interface Props {
  readonly width: number
  readonly height?: number
  readonly label: string
  readonly figures: HistogramFigures
  /** Of "after": the method's. */
  readonly color: string
  readonly xLabel: string
}

/** Filled: before. Outlined: after. The outermost bins hold what lies beyond, too. */
export function Histogram({ width, height = 200, label, figures, color, xLabel }: Props) {
  const palette = usePalette()
  const { range, before, after } = figures
  const cursor = useCursor(before.length, Math.floor(before.length / 2))
  const box: PlotBox = { left: 58, right: width - 12, top: 24, bottom: height - 40 }
  const x = linearScale([-range, range], [box.left, box.right], Math.min(6, width / 90))
  const y = linearScale([0, Math.max(1, ...before, ...after)], [box.bottom, box.top], 4)
  const bin = (2 * range) / before.length
  const edge = (i: number): number => x(-range + i * bin)
  const at = cursor.index
  const reading =
    at === undefined ? 'arrow keys read the bins' : `${binName(figures, at)}: ${before[at]} before, ${after[at]} after`

  function onPointerMove(event: PointerEvent): void {
    const place = event.clientX - event.currentTarget.getBoundingClientRect().left
    cursor.set(Math.max(0, Math.min(before.length - 1, Math.floor((x.invert(place) + range) / bin))))
  }

  return (
    <Box
      pos="relative"
      role="slider"
      tabIndex={0}
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={before.length - 1}
      aria-valuenow={at ?? 0}
      aria-valuetext={reading}
      onKeyDown={(event: KeyboardEvent) => cursor.onKeyDown(event)}
      onBlur={() => cursor.set(undefined)}
    >
      <svg
        data-chart
        aria-hidden
        width={width}
        height={height}
        style={{ display: 'block' }}
        onPointerMove={onPointerMove}
        onPointerLeave={cursor.onPointerLeave}
      >
        <Axes {...{ x, y, box, palette, xLabel }} yLabel="weights" formatX={formatNumber3} formatY={compact} />
        <path d={outline(before, edge, y, box.bottom)} fill={palette.dimmed} fillOpacity={0.3} stroke="none" />
        <path d={outline(after, edge, y, box.bottom)} fill="none" stroke={color} strokeWidth={2} />
        <g fontSize={12}>
          <rect x={box.right - 150} y={6} width={12} height={10} fill={palette.dimmed} fillOpacity={0.3} />
          <text x={box.right - 134} y={15} fill={palette.text}>
            before
          </text>
          <line x1={box.right - 78} x2={box.right - 64} y1={11} y2={11} stroke={color} strokeWidth={2} />
          <text x={box.right - 60} y={15} fill={palette.text}>
            after
          </text>
        </g>
        {at !== undefined && (
          <rect
            data-window-only
            x={edge(at)}
            y={box.top}
            width={edge(at + 1) - edge(at)}
            height={box.bottom - box.top}
            fill={palette.text}
            fillOpacity={0.12}
          />
        )}
      </svg>
      {at !== undefined && (
        <ChartTip x={edge(at + 1)} y={box.top} width={width} title={binName(figures, at)}>
          <TipLine color={palette.dimmed} label="before" value={formatCount(before[at] as number)} />
          <TipLine color={color} label="after" value={formatCount(after[at] as number)} />
        </ChartTip>
      )}
    </Box>
  )
}

const formatNumber3 = (value: number): string => String(Number(value.toPrecision(3)))
const compact = (value: number): string =>
  value >= 1e6
    ? `${Number((value / 1e6).toPrecision(3))} M`
    : value >= 1e4
      ? `${Number((value / 1e3).toPrecision(3))} k`
      : formatCount(value)

/** Steps over the bins, closed along the base line. */
function outline(
  counts: readonly number[],
  edge: (i: number) => number,
  y: (value: number) => number,
  base: number
): string {
  const steps = counts.map((count, i) => `L${edge(i).toFixed(1)},${y(count).toFixed(1)}H${edge(i + 1).toFixed(1)}`)
  return `M${edge(0).toFixed(1)},${base}${steps.join('')}V${base}`
}

function binName({ range, before }: HistogramFigures, bin: number): string {
  const width = (2 * range) / before.length
  const [low, high] = [-range + bin * width, -range + (bin + 1) * width].map((value) => formatNumber(value, 3))
  if (bin === 0) return `below ${high}`
  return bin === before.length - 1 ? `above ${low}` : `${low} to ${high}`
}

/** The bins as a table. */
export function histogramTable({ range, before, after }: HistogramFigures): ChartTable {
  const width = (2 * range) / before.length
  return {
    columns: ['from', 'to', 'before', 'after'],
    rows: before.map((count, i) => [-range + i * width, -range + (i + 1) * width, count, after[i] ?? null])
  }
}
