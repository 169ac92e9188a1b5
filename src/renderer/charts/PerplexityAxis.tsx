import { useState } from 'react'
import { methodShape } from '../../shared/chartColors'
import { placeLabels, textWidth, wrapText } from '../../shared/chartText'
import type { QuantizerResult, VariantFigures } from '../../shared/headline'
import type { Fidelity } from '../../shared/runEvents'
import { DISTINCT, NOT_DISTINGUISHABLE } from '../../shared/uncertainty'
import { type NamedVariant, variantLabels } from '../../shared/variantLabels'
import { gapEstimate, gapWord } from '../format/gapText'
import { formatEstimate, formatNumber } from '../format/numbers'
import type { ChartTable } from './chartTable'
import { Marker } from './Marker'
import { MultilineText } from './MultilineText'
import { methodColor, type Palette, usePalette } from './palette'
import { linearScale, type Scale, tickText } from './scales'

type Result = QuantizerResult<NamedVariant>

interface Props {
  readonly width: number
  readonly label: string
  /** Of one quantizer: bars of different quantizers mean different gaps. */
  readonly result: Result
  /** The variant that the page is about. */
  readonly current?: string | undefined
  readonly onChoose?: ((variant: string) => void) | undefined
}

const LANE = 26
const HEAD = 44
const FOOT = 38

/**
 * Perplexities on one axis. Full precision and quantized are lines through the chart, their distance is the gap; each
 * variant's bar begins at the quantized base and is as long as the part of the gap that it closes. The thin line around its
 * end is two standard errors of the distance to the base: where it reaches the base, the two are not distinguishable.
 */
export function PerplexityAxis({ width, label, result, current, onChoose }: Props) {
  const palette = usePalette()
  const [pointed, setPointed] = useState<string>()
  const { variants } = result
  const labels = variantLabels(variants.map(({ variant }) => variant))
  const left = Math.min(Math.max(60, ...labels.map((text) => textWidth(text) + 40)), width * 0.34)
  const lanes = lanesOf(labels.map((text) => wrapText(text, left - 26)))
  const bottom = lanes.at(-1)?.end ?? HEAD
  const height = bottom + FOOT
  const columns = {
    value: Math.max(44, ...variants.map((one) => textWidth(formatNumber(one.perplexity), 13))),
    share: Math.max(44, ...variants.map((one) => textWidth(gapWord(result, one), 13)))
  }
  const right = width - (columns.value + columns.share + 30)
  const x = linearScale(domainOf(result), [left + 8, right], Math.max(2, (right - left) / 90))
  return (
    <svg data-chart role="img" aria-label={`${label}. ${described(result)}`} width={width} height={height}>
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
      <Bases {...{ result, x, palette, bottom, low: 0, high: width }} />
      {variants.map((figures, i) => (
        // biome-ignore lint/a11y/noStaticElementInteractions: the page's choice of variant is what the keyboard reaches
        <g
          key={figures.variant.name}
          onPointerEnter={() => setPointed(figures.variant.name)}
          onPointerLeave={() => setPointed(undefined)}
          onClick={() => onChoose?.(figures.variant.name)}
          style={onChoose && { cursor: 'pointer' }}
        >
          <rect
            {...(pointed !== figures.variant.name && current !== figures.variant.name && { 'data-window-only': true })}
            x={0}
            y={lanes[i]?.start}
            width={width}
            height={laneHeight(lanes[i]?.lines ?? [])}
            rx={4}
            fill={palette.better}
            fillOpacity={current === figures.variant.name ? 0.1 : pointed === figures.variant.name ? 0.05 : 0}
          />
          <Lane
            {...{ figures, x, palette, result }}
            valueAt={right + 12}
            shareAt={width - 6}
            {...(lanes[i] as LaneBox)}
          />
        </g>
      ))}
    </svg>
  )
}

interface LaneBox {
  readonly lines: readonly string[]
  readonly start: number
  readonly end: number
}

const laneHeight = (lines: readonly string[]): number => Math.max(LANE, 14 * lines.length + 10)

/** Lanes below each other, each as high as the lines of its name. */
function lanesOf(names: readonly (readonly string[])[]): LaneBox[] {
  let end = HEAD
  return names.map((lines) => {
    const start = end
    end = start + laneHeight(lines)
    return { lines, start, end }
  })
}

interface BasesProps {
  readonly result: Result
  readonly x: Scale
  readonly palette: Palette
  readonly bottom: number
  readonly low: number
  readonly high: number
}

/** Full precision and the quantized base, named above the lanes. */
function Bases({ result: { fullPrecision, quantized, label: format }, x, palette, bottom, low, high }: BasesProps) {
  const bases = [
    { label: 'full precision', value: fullPrecision, color: palette.fullPrecision },
    { label: `quantized (${format})`, value: quantized, color: palette.quantized }
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

interface LaneProps extends LaneBox {
  readonly figures: VariantFigures<NamedVariant>
  readonly result: Result
  readonly x: Scale
  readonly palette: Palette
  /** Where the perplexity begins and the share ends. */
  readonly valueAt: number
  readonly shareAt: number
}

function Lane({ figures, result, x, lines, start, end, palette, valueAt, shareAt }: LaneProps) {
  const y = (start + end) / 2
  const { variant, perplexity } = figures
  const { method } = variant
  const { quantized, fullPrecision } = result
  const color = methodColor(palette, method)
  const worse = perplexity > quantized && figures.distinctFromBase !== false
  const whisker = whiskerOf(figures)
  return (
    <g fontSize={12}>
      <Marker shape={methodShape(method)} x={10} y={y} color={color} size={4} />
      <MultilineText x={20} y={y} fill={palette.text} lines={lines} />
      <line x1={x(fullPrecision)} x2={x(perplexity)} y1={y} y2={y} stroke={palette.axis} strokeDasharray="1 3" />
      <line
        x1={x(quantized)}
        x2={x(perplexity)}
        y1={y}
        y2={y}
        stroke={worse ? palette.worse : color}
        strokeWidth={7}
        strokeOpacity={0.55}
      />
      {whisker !== undefined && (
        <path d={`M${x(whisker[0])},${y - 5}v10m0,-5H${x(whisker[1])}m0,-5v10`} fill="none" stroke={palette.text} />
      )}
      <Marker shape={methodShape(method)} x={x(perplexity)} y={y} color={color} halo={palette.background} />
      <text x={valueAt} y={y} dy="0.35em" fill={palette.text} fontWeight={600}>
        {formatNumber(perplexity)}
      </text>
      <text x={shareAt} y={y} dy="0.35em" fill={worse ? palette.worse : palette.dimmed} textAnchor="end">
        {gapWord(result, figures)}
      </text>
    </g>
  )
}

/** Perplexities within two standard errors of this one's distance from its base; undefined where that is not known. */
function whiskerOf({ perplexity, baseError }: VariantFigures<unknown>): readonly [number, number] | undefined {
  if (!baseError) return undefined
  return [perplexity * Math.exp(-DISTINCT * baseError), perplexity * Math.exp(DISTINCT * baseError)]
}

function domainOf({ fullPrecision, quantized, variants }: Result): [number, number] {
  const reached = variants.flatMap((figures) => [figures.perplexity, ...(whiskerOf(figures) ?? [])])
  const values = [fullPrecision, quantized, ...reached]
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const space = (high - low) * 0.05
  return [low - space, high + space]
}

function described(result: Result): string {
  const { label, fullPrecision, quantized, variants, fullStatistics, baseStatistics } = result
  const reached = variants.map((figures) => {
    const { variant, perplexity, gapClosed, statistics, distinctFromBase } = figures
    const share = gapClosed === undefined ? '' : `, ${gapEstimate(result, figures)} of the gap closed`
    const unclear = distinctFromBase === false ? `, ${NOT_DISTINGUISHABLE} from quantized` : ''
    return `${variant.name} ${formatEstimate(perplexity, statistics?.standardError)}${share}${unclear}`
  })
  const bases = [
    `Full precision ${formatEstimate(fullPrecision, fullStatistics?.standardError)}`,
    `quantized (${label}) ${formatEstimate(quantized, baseStatistics?.standardError)}`
  ]
  return [...bases, ...reached].join('; ')
}

/** The same figures as a table. */
export function perplexityTable(result: Result): ChartTable {
  const { label, fullPrecision, quantized, variants, fullStatistics, baseStatistics } = result
  const fidelity = (of: Fidelity | undefined) => [
    of?.klDivergence.mean ?? null,
    of?.klDivergence.standardError ?? null,
    of?.sameTopToken.share ?? null,
    of?.sameTopToken.standardError ?? null
  ]
  return {
    columns: [
      'model',
      'perplexity',
      'standard error',
      'share of the gap closed',
      'standard error of the share',
      'KL divergence, nats',
      'standard error of the divergence',
      'same top token',
      'standard error of same top token'
    ],
    rows: [
      ['full precision', fullPrecision, fullStatistics?.standardError ?? null, null, null, null, null, null, null],
      [
        `quantized (${label})`,
        quantized,
        baseStatistics?.standardError ?? null,
        null,
        null,
        ...fidelity(baseStatistics)
      ],
      ...variants.map(({ variant: { name }, perplexity, gapClosed, statistics }) => [
        name,
        perplexity,
        statistics?.standardError ?? null,
        gapClosed ?? null,
        statistics?.gapClosed?.standardError ?? null,
        ...fidelity(statistics)
      ])
    ]
  }
}
