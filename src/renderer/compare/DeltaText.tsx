import { Text } from '@mantine/core'
import { type Difference, difference, type Metric } from '../../shared/compare/metrics'
import type { ComparisonRow } from '../../shared/compare/rows'
import { durationText } from '../../shared/durationText'
import { NOT_DISTINGUISHABLE } from '../../shared/uncertainty'
import { usePalette } from '../charts/palette'
import {
  formatEstimate,
  formatNumber,
  formatParameters,
  formatPercent,
  formatShareEstimate,
  formatSigned
} from '../format/numbers'

/** A metric of a row as people read it; a dash where it was not measured. */
export function metricText({ kind, value, instead, error, digits }: Metric, row: ComparisonRow): string {
  const figure = value(row)
  if (figure === undefined) return instead?.(row) ?? '–'
  const known = error?.(row)
  if (!known) return figureText(kind, figure)
  return kind === 'share' ? formatShareEstimate(figure, known) : formatEstimate(figure, known, digits)
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
      return durationText(figure)
  }
}

function signedText(kind: Metric['kind'], value: number): string {
  if (value === 0) return '±0'
  if (kind === 'number') return formatSigned(value)
  // Percentages differ by percentage points, not by per cent.
  if (kind === 'share') return `${formatSigned(100 * value)} pp`
  return `${value > 0 ? '+' : '−'}${figureText(kind, Math.abs(value))}`
}

const SYMBOLS = { better: '▲', worse: '▼', unclear: '≈' } as const
const WORDS = { better: 'better', worse: 'worse', unclear: NOT_DISTINGUISHABLE } as const

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
      {...(verdict === undefined || verdict === 'unclear'
        ? { c: 'dimmed', title: verdict && WORDS[verdict] }
        : { style: { color: palette[verdict] }, title: WORDS[verdict] })}
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
