import type { Shape } from '../../shared/chartColors'
import type { ChartTable } from './chartTable'
import { LinePlot } from './LinePlot'
import type { PlotMark, PlotSeries } from './plot'

/** The loss that is left after every rank, by the best correction of that rank. */
export interface RankSeries {
  readonly key: string
  readonly label: string
  readonly color: string
  /** At index r: what rank r leaves, as a share of the loss without an adapter. */
  readonly left: readonly number[]
  /** At index r beyond the end of `left`: at least this much stays. */
  readonly atLeast?: readonly PlotMark[] | readonly { readonly x: number; readonly y: number }[]
}

/** What one variant reached at its rank. */
export interface RankMark {
  readonly key: string
  readonly label: string
  readonly color: string
  readonly shape: Shape
  readonly rank: number
  readonly left: number
}

interface Props {
  readonly width: number
  readonly height?: number
  readonly label: string
  readonly series: readonly RankSeries[]
  readonly marks: readonly RankMark[]
  readonly logarithmic?: boolean
}

const percent = (share: number): string => `${Number((100 * share).toPrecision(3))} %`

/** Error against rank: one line per quantized weight, from its eigenvalues, and a mark for each variant. */
export function RankCurve({ width, height, label, series, marks, logarithmic }: Props) {
  return (
    <LinePlot
      width={width}
      {...(height !== undefined && { height })}
      label={label}
      series={series.flatMap(linesOf)}
      marks={marks.map(({ rank, left, ...mark }) => ({ ...mark, x: rank, y: left }))}
      xLabel="rank"
      yLabel="calibrated error left"
      logarithmic={logarithmic ?? false}
      formatX={(value) => String(Math.round(value))}
      formatY={percent}
    />
  )
}

function linesOf({ key, label, color, left, atLeast = [] }: RankSeries): PlotSeries[] {
  const line = { key, label, color, points: left.map((y, x) => ({ x, y })) }
  const last = line.points.at(-1)
  if (atLeast.length === 0 || last === undefined) return [line]
  const bound = { key: `${key} bound`, label: 'at least', color, dashed: true, points: [last, ...atLeast] }
  return [line, bound]
}

/** The curve as a table: what each rank leaves, and where the variants are. */
export function rankCurveTable(series: readonly RankSeries[], marks: readonly RankMark[]): ChartTable {
  const ranks = [
    ...new Set([...series.flatMap(({ left }) => left.map((_, rank) => rank)), ...marks.map((m) => m.rank)])
  ]
  return {
    columns: ['rank', ...series.map(({ label }) => `${label}, share left`), ...marks.map(({ label }) => label)],
    rows: ranks
      .sort((a, b) => a - b)
      .map((rank) => [
        rank,
        ...series.map(({ left }) => left[rank] ?? null),
        ...marks.map((mark) => (mark.rank === rank ? mark.left : null))
      ])
  }
}
