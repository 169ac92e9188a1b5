import type { Shape } from '../../shared/chartColors'
import { textWidth, wrapText } from '../../shared/chartText'
import type { PlotBox } from './Axes'
import { linearScale, logScale } from './scales'

export interface PlotPoint {
  readonly x: number
  readonly y: number
}

/** A point of a line, with the half height of its error bar. */
export interface LinePoint extends PlotPoint {
  readonly error?: number
}

export interface PlotSeries {
  readonly key: string
  readonly label: string
  readonly color: string
  /** Dashes for what is a bound or an estimate, not a measurement. */
  readonly dashed?: boolean
  readonly points: readonly LinePoint[]
}

/** A point with a name of its own: the rank that was chosen, and what it reached. */
export interface PlotMark extends PlotPoint {
  readonly key: string
  readonly label: string
  readonly color: string
  readonly shape: Shape
}

/** Least width of the column of names, and of the window that it takes at most. */
const LABEL_WIDTH = 116
const LABEL_SHARE = 0.4
const LABEL_LINE = 14

/** Names of several lines stand a little apart. */
export const labelHeight = (lines: readonly string[]): number => LABEL_LINE * lines.length + (lines.length > 1 ? 5 : 1)

/** The names of marks, as wide as the longest where there is room, else in lines. */
export function labelsOf(marks: readonly PlotMark[], width: number) {
  const longest = Math.max(0, ...marks.map(({ label }) => textWidth(label))) + 16
  const column = Math.max(LABEL_WIDTH, Math.min(longest, width * LABEL_SHARE))
  const lines = new Map(marks.map(({ key, label }) => [key, wrapText(label, column - 14)]))
  const height = [...lines.values()].reduce((sum, own) => sum + labelHeight(own), 0)
  return { width: column, lines, height }
}

export type Zoom = readonly [number, number] | undefined
const inside = (zoom: Zoom) => (point: PlotPoint) => zoom === undefined || (point.x >= zoom[0] && point.x <= zoom[1])

export function xPlaces(series: readonly PlotSeries[], marks: readonly PlotMark[], zoom: Zoom): number[] {
  const all = [...series.flatMap(({ points }) => points), ...marks].filter(inside(zoom)).map(({ x }) => x)
  return [...new Set(all)].sort((a, b) => a - b)
}

export function scalesOf(
  series: readonly PlotSeries[],
  marks: readonly PlotMark[],
  zoom: Zoom,
  { left, right, top, bottom }: PlotBox,
  logarithmic: boolean,
  fromZero: boolean
) {
  const all = [...series.flatMap(({ points }) => points), ...marks]
  const visible = all.filter(inside(zoom)).flatMap(({ y, error = 0 }: LinePoint) => [y - error, y + error])
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
export function readingsAt(at: number, series: readonly PlotSeries[], marks: readonly PlotMark[]) {
  const lines = series.flatMap(({ key, label, color, points }) => {
    const found = points.find(({ x }) => x === at)
    return found === undefined ? [] : [{ key, label, color, y: found.y, error: found.error ?? 0 }]
  })
  // A mark with the key of a line is the name of that line, which is read already.
  const own = marks.filter(({ x, key }) => x === at && series.every((line) => line.key !== key))
  return [...lines, ...own.map((mark) => ({ ...mark, error: 0 }))]
}

export function nearest(places: readonly number[], value: number): number {
  let best = 0
  for (const [i, place] of places.entries()) {
    if (Math.abs(place - value) < Math.abs((places[best] as number) - value)) best = i
  }
  return best
}

/** Half or twice the range, around the crosshair. */
export function zoomed(places: readonly number[], at: number, closer: boolean): Zoom {
  const [low, high] = [places[0] ?? 0, places.at(-1) ?? 1]
  if (!closer) return undefined
  const half = (high - low) / 4
  return half < 1e-9 ? undefined : [Math.max(low, at - half), Math.min(high, at + half)]
}
