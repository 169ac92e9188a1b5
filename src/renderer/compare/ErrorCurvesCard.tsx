import { Select, Text } from '@mantine/core'
import { useMemo, useState } from 'react'
import { methodShape } from '../../shared/chartColors'
import type { VariantCurve } from '../../shared/compare/comparedRun'
import { rowLabels } from '../../shared/compare/rowLabels'
import { type ComparisonRow, rowKey } from '../../shared/compare/rows'
import { errorCurves } from '../../shared/compare/series'
import { MAX_CURVES } from '../../shared/contract/compare'
import { startName } from '../../shared/refinementWords'
import { useCall } from '../api/hooks'
import { type Palette, usePalette, variantColors } from '../charts/palette'
import type { RankMark, RankSeries } from '../charts/RankCurve'
import { RankCurveFrame } from '../charts/RankCurveFrame'
import { QueryView } from '../components/QueryView'

const ALL = '*'

/** Error against rank of the rows over each other, on a linear of choice or summed over all. */
export function ErrorCurvesCard({ rows }: { readonly rows: readonly ComparisonRow[] }) {
  const [layer, setLayer] = useState<string>(ALL)
  const drawn = useMemo(() => rows.slice(0, MAX_CURVES), [rows])
  const ids = useMemo(() => [...new Set(drawn.map(({ run }) => run.id))], [drawn])
  const layers = useCall('compare.layers', { ids }, { keepPrevious: true })
  const curves = useCall(
    'compare.curves',
    { rows: drawn.map(({ key }) => key), layer: layer === ALL ? null : layer },
    { keepPrevious: true }
  )
  return (
    <>
      <Select
        size="xs"
        mb="xs"
        maw={420}
        searchable
        allowDeselect={false}
        aria-label="Layer of the curves"
        value={layer}
        onChange={(value) => setLayer(value ?? ALL)}
        data={[
          { value: ALL, label: 'All layers, summed' },
          ...(layers.data ?? []).map((name) => ({ value: name, label: name }))
        ]}
      />
      <QueryView query={curves} failure="The curves could not be read" rows={5}>
        {(found) => <Curves curves={found} rows={drawn} name={layer === ALL ? 'all layers' : layer} />}
      </QueryView>
      {rows.length > MAX_CURVES && (
        <Text size="xs" c="dimmed">
          The first {MAX_CURVES} of {rows.length} variants are drawn; filter to see others.
        </Text>
      )}
    </>
  )
}

interface CurvesProps {
  readonly curves: readonly VariantCurve[]
  readonly rows: readonly ComparisonRow[]
  readonly name: string
}

function Curves({ curves, rows, name }: CurvesProps) {
  const palette = usePalette()
  const { series, marks } = useMemo(() => drawing(curves, rows, palette), [curves, rows, palette])
  if (curves.length === 0) {
    return (
      <Text size="sm" c="dimmed" py="md">
        No layer of these variants is done yet.
      </Text>
    )
  }
  return (
    <RankCurveFrame
      unit="lines: the best that one rank everywhere can do; marks: what the variants reached, those with ranks by layer at their mean"
      fileName={`compare-rank-${name}`}
      label={`Calibrated error of ${name} left after each rank`}
      series={series}
      marks={marks}
    />
  )
}

function drawing(curves: readonly VariantCurve[], rows: readonly ComparisonRow[], palette: Palette) {
  const labels = rowLabels(rows)
  const colorOf = variantColors(palette, curves)
  const runs = rows.map(({ run }) => run)
  const found = errorCurves(curves, runs)
  const series = found.map(
    ({ key, label, left }, i): RankSeries => ({
      key,
      label: found.length === 1 ? 'best possible' : `best, ${label}`,
      color: found.length === 1 ? palette.axis : (palette.series[i % palette.series.length] as string),
      left
    })
  )
  const marks = curves.map((curve): RankMark => {
    const key = rowKey(curve.run, curve.variant)
    return {
      key,
      label: curve.ofStart ? startName(labels.get(key) ?? key) : (labels.get(key) ?? key),
      color: colorOf(curve),
      shape: methodShape(curve.method),
      rank: curve.rank,
      left: curve.lossRank0 > 0 ? curve.loss / curve.lossRank0 : 0
    }
  })
  return { series, marks }
}
