import { Select, Text } from '@mantine/core'
import { useMemo, useState } from 'react'
import { methodShape } from '../../shared/chartColors'
import { rowLabels } from '../../shared/compare/rowLabels'
import { type ComparisonRow, textsOf } from '../../shared/compare/rows'
import { rankSeries } from '../../shared/compare/series'
import { ChartFrame } from '../charts/ChartFrame'
import { LinePlot } from '../charts/LinePlot'
import { usePalette, variantColors } from '../charts/palette'
import { saveFile } from '../components/saveFile'
import { formatNumber } from '../format/numbers'

/** So many points have names; more would cover each other. */
const MAX_NAMED = 24

/** Perplexity against rank, a line for each method, with the full precision of each run's text as the floor. */
export function PerplexityRankCard({ rows }: { readonly rows: readonly ComparisonRow[] }) {
  const palette = usePalette()
  const texts = useMemo(() => textsOf(rows), [rows])
  const [chosen, setChosen] = useState<string>()
  const text = chosen !== undefined && texts.includes(chosen) ? chosen : texts[0]
  const found = useMemo(() => (text === undefined ? [] : rankSeries(rows, text)), [rows, text])
  const names = useMemo(() => new Map(rows.map((row) => [row.key, row])), [rows])
  const labels = useMemo(() => rowLabels(rows), [rows])
  const colorOf = useMemo(
    () =>
      variantColors(
        palette,
        rows.map(({ variant }) => variant)
      ),
    [palette, rows]
  )
  if (text === undefined) {
    return (
      <Text size="sm" c="dimmed">
        No perplexity was measured on these variants: their recipes have no evaluation text, or they are not finished.
      </Text>
    )
  }
  const points = found.flatMap(({ method, quantizer, refined, label, points: own }) =>
    own.map((point) => ({ ...point, method, quantizer, refined, label }))
  )
  const bases = [
    ...new Set(rows.map(({ perplexity }) => perplexity[text]?.fullPrecision).filter((p) => p !== undefined))
  ]
  const ranks = points.map(({ rank }) => rank)
  const [low, high] = [Math.min(...ranks), Math.max(...ranks)]
  const title = `Perplexity against rank on ${text}`
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
            names.get(key)?.run.title ?? '',
            names.get(key)?.variant.name ?? ''
          ])
        }}
        onSave={saveFile}
      >
        {(width) => (
          <LinePlot
            width={width}
            label={title}
            fromZero={false}
            series={[
              ...found.map(({ key, label, points: own, ...painted }) => ({
                key,
                label,
                color: colorOf(painted),
                points: own.map(({ rank, perplexity }) => ({ x: rank, y: perplexity }))
              })),
              ...(bases.length === 1
                ? [
                    {
                      key: 'full precision',
                      label: 'full precision',
                      color: palette.fullPrecision,
                      dashed: true,
                      points: [low, high].map((x) => ({ x, y: bases[0] as number }))
                    }
                  ]
                : [])
            ]}
            marks={points.slice(0, MAX_NAMED).map(({ key, method, quantizer, refined, rank, perplexity }) => ({
              key,
              label: labels.get(key) ?? key,
              color: colorOf({ method, quantizer, refined }),
              shape: methodShape(method),
              x: rank,
              y: perplexity
            }))}
            xLabel="rank"
            yLabel="perplexity"
            formatX={(value) => String(Math.round(value))}
            formatY={(value) => formatNumber(value)}
          />
        )}
      </ChartFrame>
    </>
  )
}
