import type { RankPoint } from '../../shared/compare/series'
import { isMethod } from '../../shared/methods'
import { type Html, html } from './html'
import { figure, percent } from './numbers'

/*
 * Charts as SVG in the page. Colours come from the style sheet by class (`m-quailora`), so that they follow the reader's
 * theme; every mark has its value as text, so that nothing needs a pointer to be read.
 */

const WIDTH = 720

export interface AxisMark {
  readonly name: string
  readonly method: string
  readonly perplexity: number
  readonly gapClosed: number | undefined
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
  const bottom = 44 + 24 * marks.length
  const base = (name: string, value: number, kind: string, anchor: string) => html`
    <line class="${kind}" x1="${px(x(value))}" x2="${px(x(value))}" y1="34" y2="${bottom}"/>
    <text class="${kind}" x="${px(x(value))}" y="12" text-anchor="${anchor}">${name}</text>
    <text class="${kind}" x="${px(x(value))}" y="28" text-anchor="${anchor}">${figure(value)}</text>`
  const order = fullPrecision <= quantized
  return html`<svg role="img" aria-label="${label}" viewBox="0 0 ${WIDTH} ${bottom + 8}">
    ${base('full precision', fullPrecision, 'full', order ? 'start' : 'end')}
    ${base(`quantized (${format})`, quantized, 'quantized', order ? 'end' : 'start')}
    ${marks.map(({ name, method, perplexity, gapClosed }, i) => {
      const y = 54 + 24 * i
      return html`<text x="0" y="${y + 4}">${shortened(name, 22)}</text>
        <line class="bar ${methodClass(method)}" x1="${px(x(quantized))}" x2="${px(x(perplexity))}" y1="${y}" y2="${y}"/>
        <circle class="${methodClass(method)}" cx="${px(x(perplexity))}" cy="${y}" r="5"/>
        <text x="${WIDTH - 134}" y="${y + 4}"><tspan class="strong">${figure(perplexity)}</tspan> · ${percent(gapClosed)}</text>`
    })}</svg>`
}

export interface Line {
  readonly label: string
  readonly method?: string
  readonly points: readonly { readonly x: number; readonly y: number }[]
}

export interface PlotOptions {
  readonly label: string
  readonly xLabel: string
  readonly yLabel: string
  readonly fromZero: boolean
  readonly format: (value: number) => string
}

/** Lines and named marks over a common axis of ranks. */
export function linePlot(
  lines: readonly Line[],
  marks: readonly (RankMarkPoint & { label: string })[],
  options: PlotOptions
): Html {
  const points = [...lines.flatMap(({ points: own }) => own), ...marks]
  const [top, bottom, left, right] = [16, 230, 64, WIDTH - 170]
  const xs = points.map((p) => p.x)
  const ys = points.map((p) => p.y)
  const low = options.fromZero ? 0 : Math.min(...ys)
  const x = scale(Math.min(...xs, options.fromZero ? 0 : Number.POSITIVE_INFINITY), Math.max(...xs), left, right)
  const y = scale(low, Math.max(...ys), bottom, top)
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => low + share * (Math.max(...ys) - low))
  const ranks = thinned([...new Set(marks.length > 0 ? marks.map((m) => m.x) : xs)].sort((a, b) => a - b))
  const places = apart(
    marks.map((mark) => y(mark.y)),
    top,
    bottom
  )
  return html`<svg role="img" aria-label="${options.label}" viewBox="0 0 ${WIDTH} 280">
    ${ticks.map(
      (tick) => html`<line class="grid" x1="${left}" x2="${right}" y1="${px(y(tick))}" y2="${px(y(tick))}"/>
        <text class="dim" x="${left - 8}" y="${px(y(tick) + 4)}" text-anchor="end">${options.format(tick)}</text>`
    )}
    ${ranks.map((rank) => html`<text class="dim" x="${px(x(rank))}" y="${bottom + 18}" text-anchor="middle">${rank}</text>`)}
    <text class="dim" x="${(left + right) / 2}" y="${bottom + 38}" text-anchor="middle">${options.xLabel}</text>
    <text class="dim" x="0" y="10">${options.yLabel}</text>
    ${lines.map(
      ({ points: own, method }) => html`<polyline class="${method === undefined ? 'best' : methodClass(method)}"
        points="${own.map((p) => `${px(x(p.x))},${px(y(p.y))}`).join(' ')}"/>`
    )}
    ${marks.map(
      (
        mark,
        i
      ) => html`<line class="lead" x1="${px(x(mark.x))}" y1="${px(y(mark.y))}" x2="${right + 10}" y2="${px(places[i] as number)}"/>
        <circle class="${methodClass(mark.method)}" cx="${px(x(mark.x))}" cy="${px(y(mark.y))}" r="5"/>
        <text x="${right + 14}" y="${px((places[i] as number) + 4)}">${shortened(mark.label, 22)}</text>`
    )}</svg>`
}

export interface RankMarkPoint {
  readonly method: string
  readonly x: number
  readonly y: number
}

export const rankPoints = (points: readonly RankPoint[]) =>
  points.map(({ rank, perplexity }) => ({ x: rank, y: perplexity }))

/** Only methods that this version knows have a colour; a class name never holds what a file says. */
export const methodClass = (method: string): string => (isMethod(method) ? `m-${method}` : 'm-other')

function scale(low: number, high: number, from: number, to: number): (value: number) => number {
  const width = high > low ? high - low : 1
  return (value) => from + ((value - low) / width) * (to - from)
}

const px = (value: number): string => (Number.isFinite(value) ? value.toFixed(1) : '0')
const shortened = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length - 1)}…`
const thinned = (values: readonly number[]): number[] =>
  values.length <= 10 ? [...values] : values.filter((_, i) => i % Math.ceil(values.length / 10) === 0)

/** Places for labels of 15 pixels, in the order of their wishes, none over another. */
function apart(wishes: readonly number[], low: number, high: number): number[] {
  const order = wishes.map((_, i) => i).sort((a, b) => (wishes[a] as number) - (wishes[b] as number))
  const places = new Array<number>(wishes.length)
  let next = low
  for (const i of order) {
    places[i] = Math.max(wishes[i] as number, next)
    next = (places[i] as number) + 15
  }
  const over = Math.max(0, next - 15 - high)
  return over === 0 ? places : places.map((place) => place - over * ((place - low) / Math.max(1, next - 15 - low)))
}
