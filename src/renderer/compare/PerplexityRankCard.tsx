import { Select, Text } from '@mantine/core'
import { useMemo, useState } from 'react'
import { methodShape } from '../../shared/chartColors'
import { rowLabels } from '../../shared/compare/rowLabels'
import { type ComparisonRow, textsOf } from '../../shared/compare/rows'
import { rankSeries } from '../../shared/compare/series'
import { ChartFrame } from '../charts/ChartFrame'
import { LinePlot } from '../charts/LinePlot'
import { type Palette, usePalette, variantColors } from '../charts/palette'
import { saveFile } from '../components/saveFile'
import { formatNumber } from '../format/numbers'

/** So many points have names; more would cover each other. */
const MAX_NAMED = 24

/** Perplexity against rank, a line for each method, with the full precision of each run's text as the floor. */
export function PerplexityRankCard({ rows }: { readonly rows: readonly ComparisonRow[] }) {
  const texts = useMemo(() => textsOf(rows), [rows])
  const [chosen, setChosen] = useState<string>()
  const text = chosen !== undefined && texts.includes(chosen) ? chosen : texts[0]
  if (text === undefined) {
    return (
      <Text size="sm" c="dimmed">
        No perplexity was measured on these variants: their recipes have no evaluation text, or they are not finished.
      </Text>
    )
  }
  return (
    <>
      {texts.length > 1 && (
        <Select
          size="xs"
          mb="xs"
          maw={420}
          allowDeselect={false}
          aria-label="Evaluation text of the chart"
          value={text}
          onChange={(value) => setChosen(value ?? undefined)}
          data={texts}
        />
      )}
      <RankChart rows={rows} text={text} />
    </>
  )
}

interface RankChartProps {
  readonly rows: readonly ComparisonRow[]
  readonly text: string
}

/** One line for each method on each base; full precision where all rows share one. */
function RankChart({ rows, text }: RankChartProps) {
  const palette = usePalette()
  const { points, series, marks, reference } = useMemo(() => drawing(rows, text, palette), [rows, text, palette])
  const byKey = useMemo(() => new Map(rows.map((row) => [row.key, row])), [rows])
  const title = `Perplexity against rank on ${text}`
  return (
    <ChartFrame
      title={title}
      term="perplexity"
      unit="lower is better; one line per method"
      fileName={`compare-perplexity-${text.replace(/\.\w+$/, '')}`}
      table={{
        columns: ['method', 'rank', 'perplexity', 'run', 'variant'],
        rows: points.map(({ key, label, rank, perplexity }) => [
          label,
          rank,
          perplexity,
          byKey.get(key)?.run.title ?? '',
          byKey.get(key)?.variant.name ?? ''
        ])
      }}
      onSave={saveFile}
    >
      {(width) => (
        <LinePlot
          width={width}
          label={title}
          fromZero={false}
          series={[...series, ...reference]}
          marks={marks}
          xLabel="rank"
          yLabel="perplexity"
          formatX={(value) => String(Math.round(value))}
          formatY={(value) => formatNumber(value)}
        />
      )}
    </ChartFrame>
  )
}

function drawing(rows: readonly ComparisonRow[], text: string, palette: Palette) {
  const found = rankSeries(rows, text)
  const labels = rowLabels(rows)
  const colorOf = variantColors(
    palette,
    rows.map(({ variant }) => variant)
  )
  const points = found.flatMap(({ points: own, ...series }) => own.map((point) => ({ ...series, ...point })))
  const series = found.map(({ key, label, points: own, ...painted }) => ({
    key,
    label,
    color: colorOf(painted),
    points: own.map(({ rank, perplexity }) => ({ x: rank, y: perplexity }))
  }))
  const marks = points.slice(0, MAX_NAMED).map((point) => ({
    key: point.key,
    label: labels.get(point.key) ?? point.key,
    color: colorOf(point),
    shape: methodShape(point.method),
    x: point.rank,
    y: point.perplexity
  }))
  return { points, series, marks, reference: fullPrecisionLine(rows, text, points, palette) }
}

/** A dashed line over all ranks; none where rows differ in full precision. */
function fullPrecisionLine(
  rows: readonly ComparisonRow[],
  text: string,
  points: readonly { readonly rank: number }[],
  palette: Palette
) {
  const bases = new Set(rows.map(({ perplexity }) => perplexity[text]?.fullPrecision).filter((p) => p !== undefined))
  const [base] = bases
  if (bases.size !== 1 || base === undefined) return []
  const ranks = points.map(({ rank }) => rank)
  const ends = [Math.min(...ranks), Math.max(...ranks)]
  const name = 'full precision'
  return [
    { key: name, label: name, color: palette.fullPrecision, dashed: true, points: ends.map((x) => ({ x, y: base })) }
  ]
}
