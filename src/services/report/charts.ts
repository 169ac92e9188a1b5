import { paintOf } from '../../shared/chartColors'
import { placeLabels, wrapText } from '../../shared/chartText'
import type { RankPoint } from '../../shared/compare/series'
import { isMethod } from '../../shared/methods'
import { type Html, html } from './html'
import { figure } from './numbers'

/*
 * Charts as SVG in the page. Colours come from the style sheet by class (`m-quailora`), so that they follow the reader's
 * theme; every mark has its value as text, so that nothing needs a pointer to be read.
 */

const WIDTH = 720

export interface AxisMark {
  readonly name: string
  /** Class of its colour. */
  readonly paint: string
  readonly perplexity: number
  /** Of the gap that it closes, in words. */
  readonly share: string
}

export interface AxisFigures {
  readonly fullPrecision: number
  readonly quantized: number
  /** What people call the quantizer. */
  readonly format: string
  readonly marks: readonly AxisMark[]
}

/** Perplexities on one axis: full precision and quantized as lines, a bar for what each variant closes of the gap. */
export function perplexityAxis(label: string, { fullPrecision, quantized, format, marks }: AxisFigures): Html {
  const values = [fullPrecision, quantized, ...marks.map(({ perplexity }) => perplexity)]
  const x = scale(Math.min(...values), Math.max(...values), 170, WIDTH - 150)
  const lines = marks.map(({ name }) => wrapText(name, 150))
  const heights = lines.map((own) => Math.max(24, LINE * own.length + 8))
  const bottom = 44 + sum(heights)
  const base = (name: string, value: number, kind: string, anchor: string) => html`
    <line class="${kind}" x1="${px(x(value))}" x2="${px(x(value))}" y1="34" y2="${bottom}"/>
    <text class="${kind}" x="${px(x(value))}" y="12" text-anchor="${anchor}">${name}</text>
    <text class="${kind}" x="${px(x(value))}" y="28" text-anchor="${anchor}">${figure(value)}</text>`
  const order = fullPrecision <= quantized
  return html`<svg role="img" aria-label="${label}" viewBox="0 0 ${WIDTH} ${bottom + 8}">
    ${base('full precision', fullPrecision, 'full', order ? 'start' : 'end')}
    ${base(`quantized (${format})`, quantized, 'quantized', order ? 'end' : 'start')}
    ${marks.map(({ paint, perplexity, share }, i) => {
      const y = 42 + sum(heights.slice(0, i)) + (heights[i] as number) / 2
      return html`${textLines(lines[i] as string[], 0, y)}
        <line class="bar ${paint}" x1="${px(x(quantized))}" x2="${px(x(perplexity))}" y1="${y}" y2="${y}"/>
        <circle class="${paint}" cx="${px(x(perplexity))}" cy="${y}" r="5"/>
        <text x="${WIDTH - 134}" y="${y + 4}"><tspan class="strong">${figure(perplexity)}</tspan> · ${share}</text>`
    })}</svg>`
}

export interface Line {
  readonly label: string
  /** Class of its colour; without one it is a bound. */
  readonly paint?: string
  readonly points: readonly { readonly x: number; readonly y: number }[]
}

export interface PlotOptions {
  readonly label: string
  readonly xLabel: string
  readonly yLabel: string
  readonly fromZero: boolean
  /** What stands below the axis; without it the places of the marks. */
  readonly ticks?: readonly number[]
  readonly format: (value: number) => string
}

/** Lines and named marks over a common axis, of ranks or of steps. */
export function linePlot(
  lines: readonly Line[],
  marks: readonly (RankMarkPoint & { label: string })[],
  options: PlotOptions
): Html {
  const points = [...lines.flatMap(({ points: own }) => own), ...marks]
  const names = sum(marks.map(({ label }) => LINE * wrapText(label, 150).length + 2))
  const [top, bottom, left, right] = [16, Math.max(230, names + 16), 64, WIDTH - 170]
  const xs = points.map((p) => p.x)
  const ys = points.map((p) => p.y)
  const low = options.fromZero ? 0 : Math.min(...ys)
  const x = scale(Math.min(...xs, options.fromZero ? 0 : Number.POSITIVE_INFINITY), Math.max(...xs), left, right)
  const y = scale(low, Math.max(...ys), bottom, top)
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => low + share * (Math.max(...ys) - low))
  const below = options.ticks ?? (marks.length > 0 ? marks.map((m) => m.x) : xs)
  const ranks = thinned([...new Set(below)].sort((a, b) => a - b))
  const names_ = marks.map(({ label }) => wrapText(label, 150))
  const places = placeLabels(
    marks.map((mark, i) => ({ at: y(mark.y), size: LINE * (names_[i] as string[]).length + 2 })),
    top,
    bottom
  )
  return html`<svg role="img" aria-label="${options.label}" viewBox="0 0 ${WIDTH} ${bottom + 50}">
    ${ticks.map(
      (tick) => html`<line class="grid" x1="${left}" x2="${right}" y1="${px(y(tick))}" y2="${px(y(tick))}"/>
        <text class="dim" x="${left - 8}" y="${px(y(tick) + 4)}" text-anchor="end">${options.format(tick)}</text>`
    )}
    ${ranks.map((rank) => html`<text class="dim" x="${px(x(rank))}" y="${bottom + 18}" text-anchor="middle">${rank}</text>`)}
    <text class="dim" x="${(left + right) / 2}" y="${bottom + 38}" text-anchor="middle">${options.xLabel}</text>
    <text class="dim" x="0" y="10">${options.yLabel}</text>
    ${lines.map(
      ({ points: own, paint = 'best' }) => html`<polyline class="${paint}"
        points="${own.map((p) => `${px(x(p.x))},${px(y(p.y))}`).join(' ')}"/>`
    )}
    ${marks.map(
      (
        mark,
        i
      ) => html`<line class="lead" x1="${px(x(mark.x))}" y1="${px(y(mark.y))}" x2="${right + 10}" y2="${px(places[i] as number)}"/>
        <circle class="${mark.paint}" cx="${px(x(mark.x))}" cy="${px(y(mark.y))}" r="5"/>
        ${textLines(names_[i] as string[], right + 14, places[i] as number)}`
    )}</svg>`
}

export interface RankMarkPoint {
  readonly paint: string
  readonly x: number
  readonly y: number
}

export const rankPoints = (points: readonly RankPoint[]) =>
  points.map(({ rank, perplexity }) => ({ x: rank, y: perplexity }))

/** The class of the colour of variants that are seen together; a class name never holds what a file says. */
export function paints(together: Parameters<typeof paintOf>[0]): (variant: (typeof together)[number]) => string {
  const paint = paintOf(together)
  return (variant) => {
    const found = paint(variant)
    if ('series' in found) return `s-${found.series}`
    return isMethod(found.method) ? `m-${found.method}` : 'm-other'
  }
}

/** Text of several lines, centred on a height. */
const textLines = (lines: readonly string[], x: number, y: number): Html[] =>
  lines.map((line, i) => html`<text x="${x}" y="${px(y + 4 + LINE * (i - (lines.length - 1) / 2))}">${line}</text>`)

const LINE = 14
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

function scale(low: number, high: number, from: number, to: number): (value: number) => number {
  const width = high > low ? high - low : 1
  return (value) => from + ((value - low) / width) * (to - from)
}

const px = (value: number): string => (Number.isFinite(value) ? value.toFixed(1) : '0')
const thinned = (values: readonly number[]): number[] =>
  values.length <= 10 ? [...values] : values.filter((_, i) => i % Math.ceil(values.length / 10) === 0)
