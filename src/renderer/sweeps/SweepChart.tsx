import { Group, SegmentedControl, Select } from '@mantine/core'
import { useMemo, useState } from 'react'
import { methodShape } from '../../shared/chartColors'
import { barOf, barWords, SWEEP_FIGURES, type SweepFigureName, sweepCurves } from '../../shared/sweep/curves'
import type { SweepResults } from '../../shared/sweep/results'
import { ChartFrame } from '../charts/ChartFrame'
import { LinePlot } from '../charts/LinePlot'
import { type Palette, usePalette, variantColors } from '../charts/palette'
import { saveFile } from '../components/saveFile'
import { formatNumber, formatPercent } from '../format/numbers'

interface Props {
  readonly results: SweepResults
}

const CHOICES = (Object.keys(SWEEP_FIGURES) as SweepFigureName[]).map((value) => ({
  value,
  label: SWEEP_FIGURES[value].label
}))

/** Short enough for the axis. */
const FORMATS: Readonly<Record<SweepFigureName, (value: number) => string>> = {
  klDivergence: (value) => String(Number(value.toPrecision(3))),
  perplexity: (value) => formatNumber(value),
  gapClosed: (value) => formatPercent(value)
}

/** One figure against rank, on one evaluation text after one calibration set: a line for each method, with error bars. */
export function SweepChart({ results }: Props) {
  const sets = useMemo(() => unique(results.figures.map(({ set }) => set)), [results])
  const texts = useMemo(() => unique(results.figures.map(({ text }) => text)), [results])
  const [figure, setFigure] = useState<SweepFigureName>('klDivergence')
  const [set, setSet] = useChoice(sets)
  const [text, setText] = useChoice(texts)
  return (
    <>
      <Group gap="xs" mb="xs">
        <SegmentedControl
          size="xs"
          aria-label="Figure of the chart"
          data={CHOICES}
          value={figure}
          onChange={(value) => setFigure(value as SweepFigureName)}
        />
        <Choice label="Calibration set of the chart" values={sets} value={set} onChange={setSet} />
        <Choice label="Evaluation text of the chart" values={texts} value={text} onChange={setText} />
      </Group>
      <Curves {...{ results, figure, set, text }} />
    </>
  )
}

const unique = (values: readonly string[]): string[] => [...new Set(values)]

/** One of the values; the first while none is chosen. */
function useChoice(values: readonly string[]) {
  const [chosen, setChosen] = useState<string>()
  return [chosen !== undefined && values.includes(chosen) ? chosen : (values[0] as string), setChosen] as const
}

interface ChoiceProps {
  readonly label: string
  readonly values: readonly string[]
  readonly value: string
  readonly onChange: (value: string | undefined) => void
}

function Choice({ label, values, value, onChange }: ChoiceProps) {
  if (values.length < 2) return null
  return (
    <Select
      size="xs"
      allowDeselect={false}
      aria-label={label}
      data={[...values]}
      value={value}
      onChange={(next) => onChange(next ?? undefined)}
    />
  )
}

interface CurvesProps extends Props {
  readonly figure: SweepFigureName
  readonly set: string
  readonly text: string
}

function Curves({ results, figure, set, text }: CurvesProps) {
  const palette = usePalette()
  const curves = useMemo(() => sweepCurves(results, figure, set, text), [results, figure, set, text])
  const { label, hint } = SWEEP_FIGURES[figure]
  const title = `${label} against rank on ${text}, calibrated on ${set}`
  const { series, marks } = useMemo(() => drawing(curves, palette), [curves, palette])
  return (
    <ChartFrame
      title={title}
      unit={`${hint}; bars: ${barWords(curves.lines)}`}
      fileName={`sweep-${figure}-${set}-${text}`.replaceAll(/[^\p{L}\p{N}-]+/gu, '-')}
      table={{
        columns: ['variant', 'rank', label, 'standard deviation over seeds', 'standard error over rows', 'seeds'],
        rows: curves.lines.flatMap(({ points }) =>
          points.map(({ name, rank, estimate: { mean, deviation, rowError, values } }) => [
            ...[name, rank, mean, deviation ?? null, rowError ?? null, values.length]
          ])
        )
      }}
      onSave={saveFile}
    >
      {(width) => (
        <LinePlot
          width={width}
          label={title}
          fromZero={false}
          series={series}
          marks={marks}
          xLabel="rank"
          yLabel={label}
          formatX={(value) => (Number.isInteger(value) ? String(value) : '')}
          formatY={FORMATS[figure]}
        />
      )}
    </ChartFrame>
  )
}

/** Lines with error bars, a name at the end of each, and dashed lines for what no calibration moves. */
function drawing({ lines, references }: ReturnType<typeof sweepCurves>, palette: Palette) {
  const colorOf = variantColors(
    palette,
    lines.map(({ variant }) => variant)
  )
  const series = lines.map(({ key, label, variant, points }) => ({
    key,
    label,
    color: colorOf(variant),
    points: points.map(({ rank, estimate }) => ({ x: rank, y: estimate.mean, error: barOf(estimate) }))
  }))
  const marks = lines.flatMap(({ key, label, variant, points }) => {
    const last = points.at(-1)
    if (last === undefined) return []
    const mark = { key, label, color: colorOf(variant), shape: methodShape(variant.method) }
    return [{ ...mark, x: last.rank, y: last.estimate.mean }]
  })
  const ranks = lines.flatMap(({ points }) => points.map(({ rank }) => rank))
  const ends = [Math.min(...ranks), Math.max(...ranks)]
  const fixed = references.map(({ label, value }) => ({
    key: label,
    label,
    color: palette.fullPrecision,
    dashed: true,
    points: ends.map((x) => ({ x, y: value }))
  }))
  return { series: [...series, ...fixed], marks }
}
