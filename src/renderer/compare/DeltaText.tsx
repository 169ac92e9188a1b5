import { Text } from '@mantine/core'
import { type Difference, difference, type Metric } from '../../shared/compare/metrics'
import type { ComparisonRow } from '../../shared/compare/rows'
import { usePalette } from '../charts/palette'
import { formatNumber, formatParameters, formatPercent, formatSigned } from '../format/numbers'
import { formatDuration } from '../format/time'

/** A metric of a row as people read it; a dash where it was not measured. */
export function metricText({ kind, value }: Metric, row: ComparisonRow): string {
  const figure = value(row)
  return figure === undefined ? '–' : figureText(kind, figure)
}

function figureText(kind: Metric['kind'], figure: number): string {
  switch (kind) {
    case 'number':
      return formatNumber(figure)
    case 'share':
      return formatPercent(figure)
    case 'count':
      return formatParameters(figure)
    case 'duration':
      return formatDuration(figure)
  }
}

function signedText(kind: Metric['kind'], value: number): string {
  if (value === 0) return '±0'
  if (kind === 'number') return formatSigned(value)
  // Percentages differ by percentage points, not by per cent.
  if (kind === 'share') return `${formatSigned(100 * value)} pp`
  return `${value > 0 ? '+' : '−'}${figureText(kind, Math.abs(value))}`
}

const SYMBOLS = { better: '▲', worse: '▼' } as const
const WORDS = { better: 'better', worse: 'worse' } as const

interface Props {
  readonly metric: Metric
  readonly row: ComparisonRow
  readonly baseline: ComparisonRow
}

/** How far a row is from the baseline: signed, with colour and symbol for better or worse. */
export function DeltaText({ metric, row, baseline }: Props) {
  const palette = usePalette()
  if (row.key === baseline.key) {
    return (
      <Text span size="xs" c="dimmed">
        baseline
      </Text>
    )
  }
  const found: Difference | undefined = difference(metric, row, baseline)
  if (found === undefined) return null
  const { value, verdict } = found
  return (
    <Text
      span
      size="xs"
      {...(verdict === undefined ? { c: 'dimmed' } : { style: { color: palette[verdict] }, title: WORDS[verdict] })}
    >
      {verdict !== undefined && (
        <span role="img" aria-label={WORDS[verdict]}>
          {SYMBOLS[verdict]}{' '}
        </span>
      )}
      {signedText(metric.kind, value)}
    </Text>
  )
}
