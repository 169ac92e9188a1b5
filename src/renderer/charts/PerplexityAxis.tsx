import { useState } from 'react'
import { formatNumber, formatPercent } from '../format/numbers'
import type { ChartTable } from './chartTable'
import { placeLabels, textWidth } from './labels'
import { Marker } from './Marker'
import { methodColor, methodShape, type Palette, usePalette } from './palette'
import { linearScale, type Scale } from './scales'

export interface AxisVariant {
  readonly name: string
  readonly method: string
  readonly perplexity: number
  /** Of the quantized model that this variant repairs. */
  readonly quantized: number
  readonly gapClosed: number
}

export interface PerplexityFigures {
  readonly fullPrecision: number
  /** One per quantizer, with the name it is called by. */
  readonly quantized: readonly { readonly label: string; readonly perplexity: number }[]
  readonly variants: readonly AxisVariant[]
}

interface Props {
  readonly width: number
  readonly label: string
  readonly figures: PerplexityFigures
  /** The variant that the page is about. */
  readonly current?: string | undefined
  readonly onChoose?: ((variant: string) => void) | undefined
}

const LANE = 26
const HEAD = 44
const FOOT = 38

/**
 * Perplexities on one axis. Full precision and quantized are lines through the chart, their distance is the gap; each
 * variant's bar begins at its quantized base and is as long as the part of the gap that it closes.
 */
export function PerplexityAxis({ width, label, figures, current, onChoose }: Props) {
  const palette = usePalette()
  const [pointed, setPointed] = useState<string>()
  const { variants } = figures
  const height = HEAD + LANE * variants.length + FOOT
  const names = Math.max(60, ...variants.map(({ name }) => textWidth(name) + 40))
  const left = Math.min(names, width * 0.34)
  const right = width - 118
  const x = linearScale(domainOf(figures), [left + 8, right], Math.max(2, (right - left) / 90))
  const bottom = HEAD + LANE * variants.length
  return (
    <svg data-chart role="img" aria-label={`${label}. ${described(figures)}`} width={width} height={height}>
      <g fontSize={11} fill={palette.dimmed}>
        {x.ticks.map((tick) => (
          <g key={tick}>
            <line x1={x(tick)} x2={x(tick)} y1={HEAD - 4} y2={bottom + 4} stroke={palette.grid} />
            <text x={x(tick)} y={bottom + 18} textAnchor="middle">
              {tickText(tick, x.ticks)}
            </text>
          </g>
        ))}
        <text x={(left + right) / 2} y={bottom + 34} textAnchor="middle">
          perplexity
        </text>
      </g>
      <Bases {...{ figures, x, palette, bottom, low: 0, high: width }} />
      {variants.map((variant, i) => (
        // biome-ignore lint/a11y/noStaticElementInteractions: the page's choice of variant is what the keyboard reaches
        <g
          key={variant.name}
          onPointerEnter={() => setPointed(variant.name)}
          onPointerLeave={() => setPointed(undefined)}
          onClick={() => onChoose?.(variant.name)}
          style={onChoose && { cursor: 'pointer' }}
        >
          <rect
            {...(pointed !== variant.name && current !== variant.name && { 'data-window-only': true })}
            x={0}
            y={HEAD + LANE * i}
            width={width}
            height={LANE}
            rx={4}
            fill={palette.better}
            fillOpacity={current === variant.name ? 0.1 : pointed === variant.name ? 0.05 : 0}
          />
          <Lane {...{ variant, x, palette, left, right, full: figures.fullPrecision }} y={HEAD + LANE * (i + 0.5)} />
        </g>
      ))}
    </svg>
  )
}

interface BasesProps {
  readonly figures: PerplexityFigures
  readonly x: Scale
  readonly palette: Palette
  readonly bottom: number
  readonly low: number
  readonly high: number
}

/** Full precision and the quantized bases, named above the lanes. */
function Bases({ figures: { fullPrecision, quantized }, x, palette, bottom, low, high }: BasesProps) {
  const bases = [
    { label: 'full precision', value: fullPrecision, color: palette.fullPrecision },
    ...quantized.map((one) => ({ label: one.label, value: one.perplexity, color: palette.quantized }))
  ].map((base) => ({ ...base, text: formatNumber(base.value) }))
  const places = placeLabels(
    bases.map(({ label, text, value }) => ({ at: x(value), size: Math.max(textWidth(label), textWidth(text)) + 14 })),
    low,
    high
  )
  return (
    <g fontSize={12}>
      {bases.map(({ label, text, value, color }, i) => (
        <g key={label} fill={color}>
          <path
            d={`M${places[i]},${HEAD - 11}L${x(value)},${HEAD - 4}L${x(value)},${bottom + 4}`}
            fill="none"
            stroke={color}
            strokeWidth={1.5}
          />
          <text x={places[i]} y={12} textAnchor="middle">
            {label}
          </text>
          <text x={places[i]} y={28} textAnchor="middle" fontWeight={600}>
            {text}
          </text>
        </g>
      ))}
    </g>
  )
}

interface LaneProps {
  readonly variant: AxisVariant
  readonly x: Scale
  readonly y: number
  readonly palette: Palette
  readonly left: number
  readonly right: number
  readonly full: number
}

function Lane({ variant, x, y, palette, left, right, full }: LaneProps) {
  const { name, method, perplexity, quantized, gapClosed } = variant
  const color = methodColor(palette, method)
  const worse = perplexity > quantized
  const room = Math.floor((left - 26) / 7.2)
  return (
    <g fontSize={12}>
      <Marker shape={methodShape(method)} x={10} y={y} color={color} size={4} />
      <text x={20} y={y} dy="0.35em" fill={palette.text}>
        {name.length <= room ? name : `${name.slice(0, room - 1)}…`}
      </text>
      <line x1={x(full)} x2={x(perplexity)} y1={y} y2={y} stroke={palette.axis} strokeDasharray="1 3" />
      <line
        x1={x(quantized)}
        x2={x(perplexity)}
        y1={y}
        y2={y}
        stroke={worse ? palette.worse : color}
        strokeWidth={7}
        strokeOpacity={0.55}
      />
      <Marker shape={methodShape(method)} x={x(perplexity)} y={y} color={color} halo={palette.background} />
      <text x={right + 12} y={y} dy="0.35em" fill={palette.text} fontWeight={600}>
        {formatNumber(perplexity)}
      </text>
      <text x={right + 112} y={y} dy="0.35em" fill={worse ? palette.worse : palette.dimmed} textAnchor="end">
        {formatPercent(gapClosed)}
      </text>
    </g>
  )
}

function domainOf({ fullPrecision, quantized, variants }: PerplexityFigures): [number, number] {
  const values = [fullPrecision, ...quantized.map((q) => q.perplexity), ...variants.map((v) => v.perplexity)]
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const space = (high - low) * 0.05
  return [low - space, high + space]
}

/** Ticks with as many decimals as tell them apart. */
function tickText(tick: number, ticks: readonly number[]): string {
  const step = ticks.length > 1 ? (ticks[1] as number) - (ticks[0] as number) : 1
  return tick.toFixed(Math.max(0, Math.min(8, -Math.floor(Math.log10(step) + 1e-9))))
}

function described({ fullPrecision, quantized, variants }: PerplexityFigures): string {
  const bases = quantized.map((one) => `${one.label} ${formatNumber(one.perplexity)}`)
  const reached = variants.map(
    (v) => `${v.name} ${formatNumber(v.perplexity)}, ${formatPercent(v.gapClosed)} of the gap closed`
  )
  return [`Full precision ${formatNumber(fullPrecision)}`, ...bases, ...reached].join('; ')
}

/** The same figures as a table. */
export function perplexityTable({ fullPrecision, quantized, variants }: PerplexityFigures): ChartTable {
  return {
    columns: ['model', 'perplexity', 'share of the gap closed'],
    rows: [
      ['full precision', fullPrecision, null],
      ...quantized.map(({ label, perplexity }) => [label, perplexity, null]),
      ...variants.map(({ name, perplexity, gapClosed }) => [name, perplexity, gapClosed])
    ]
  }
}
