import { DISTINCT, distinguishable, GAP_UNCLEAR, subject } from '../uncertainty'
import type { Pairing } from './pairing'
import type { ComparisonRow } from './rows'

/** A figure of a row; `better` says which way an improvement goes, for those that can be better. */
export interface Metric {
  readonly key: string
  readonly title: string
  readonly kind: 'number' | 'share' | 'count' | 'duration'
  readonly better: 'lower' | 'higher' | undefined
  readonly value: (row: ComparisonRow) => number | undefined
  /** What is said in place of a value that is left out for a reason. */
  readonly instead?: (row: ComparisonRow) => string | undefined
  /** Standard error of the value, where it has one. */
  readonly error?: (row: ComparisonRow) => number | null | undefined
  /** Significant digits, where four are too many. */
  readonly digits?: number
  /** Whether two rows' figures differ by more than their uncertainty; undefined where that is not known. */
  readonly distinct?: (row: ComparisonRow, other: ComparisonRow) => boolean | undefined
  /** What two rows must share for one figure to be better than the other; without it any two compare. */
  readonly of?: (row: ComparisonRow) => unknown
}

/** A share is one of the error of a quantized base: that of another quantizer is another whole. */
const baseOf = ({ run, variant }: ComparisonRow): string => JSON.stringify([run.model, variant.quantizer])

/**
 * The figures of rows that were measured on these texts; divergences where `rows` have any.
 *
 * @param pairing - what is known of the differences between the runs of rows and that of the baseline
 */
export const metricsOf = (
  texts: readonly string[],
  rows: readonly ComparisonRow[] = [],
  pairing: Pairing = {}
): Metric[] => [
  ...texts.flatMap((text) => {
    const known = rows.some(({ perplexity }) => perplexity[text]?.statistics !== undefined)
    const suffix = texts.length === 1 ? '' : `, ${shortText(text)}`
    return [...perplexityMetrics(text, suffix, pairing), ...(known ? fidelityMetrics(text, suffix) : [])]
  }),
  {
    key: 'removed',
    title: 'Error removed',
    kind: 'share',
    better: 'higher',
    value: ({ lossRemoved }) => lossRemoved,
    instead: ({ atStart }) => startText(atStart?.lossRemoved),
    of: baseOf
  },
  {
    key: 'mean removed',
    title: 'Mean of layers',
    kind: 'share',
    better: 'higher',
    value: ({ meanLossRemoved }) => meanLossRemoved,
    instead: ({ atStart }) => startText(atStart?.meanLossRemoved),
    of: baseOf
  },
  { key: 'parameters', title: 'Parameters', kind: 'count', better: 'lower', value: ({ parameters }) => parameters },
  { key: 'time', title: 'Time of run', kind: 'duration', better: undefined, value: ({ workedMs }) => workedMs }
]

/** What is known of a refined variant: the figure of its start. */
const startText = (share: number | undefined): string | undefined =>
  share === undefined ? undefined : `start ${(100 * share).toFixed(1)} %`

function perplexityMetrics(text: string, suffix: string, pairing: Pairing): Metric[] {
  const distinct: Metric['distinct'] = (row, other) => {
    const measured = row.perplexity[text]?.measured
    if (measured === undefined) return undefined
    if (row.run.id !== other.run.id) {
      const error = pairing[row.run.id]?.[text]?.logRatioErrors?.[row.variant.name]
      const baseline = other.perplexity[text]?.adapter
      if (error === undefined || baseline === undefined) return undefined
      return Math.abs(Math.log((row.perplexity[text]?.adapter as number) / baseline)) > DISTINCT * error
    }
    return distinguishable(measured, subject.variant(row.variant.name), subject.variant(other.variant.name))
  }
  return [
    {
      key: `perplexity ${text}`,
      title: `Perplexity${suffix}`,
      kind: 'number',
      better: 'lower',
      value: ({ perplexity }) => perplexity[text]?.adapter,
      error: ({ perplexity }) => perplexity[text]?.statistics?.standardError,
      of: ({ run }) => run.model,
      distinct
    },
    {
      key: `gap ${text}`,
      title: `Gap closed${suffix}`,
      kind: 'share',
      better: 'higher',
      value: ({ perplexity }) => perplexity[text]?.gapClosed,
      instead: ({ perplexity }) => (perplexity[text]?.gapUnclear ? GAP_UNCLEAR : undefined),
      error: ({ perplexity }) => perplexity[text]?.statistics?.gapClosed?.standardError,
      of: baseOf,
      distinct
    }
  ]
}

/** Divergence from full precision and agreement with it, where a text has them. */
function fidelityMetrics(text: string, suffix: string): Metric[] {
  const of = ({ perplexity }: ComparisonRow) => perplexity[text]?.statistics
  const kl: Estimated = (row) => {
    const { mean, standardError } = of(row)?.klDivergence ?? {}
    return { value: mean, error: standardError }
  }
  const same: Estimated = (row) => {
    const { share, standardError } = of(row)?.sameTopToken ?? {}
    return { value: share, error: standardError }
  }
  const shared = { of: ({ run }: ComparisonRow) => run.model }
  return [
    {
      key: `KL divergence ${text}`,
      title: `KL divergence${suffix}`,
      kind: 'number',
      digits: 3,
      better: 'lower',
      ...shared,
      ...estimateOf(kl)
    },
    {
      key: `same top token ${text}`,
      title: `Same top token${suffix}`,
      kind: 'share',
      better: 'higher',
      ...shared,
      ...estimateOf(same)
    }
  ]
}

type Estimated = (row: ComparisonRow) => {
  readonly value: number | undefined
  readonly error: number | null | undefined
}

/** Told apart as if the rows were others for each: that asks for more than their pairs would. */
const estimateOf = (estimate: Estimated): Pick<Metric, 'value' | 'error' | 'distinct'> => ({
  value: (row) => estimate(row).value,
  error: (row) => estimate(row).error,
  distinct: (row, other) => {
    const [a, b] = [estimate(row), estimate(other)]
    if (a.value === undefined || b.value === undefined || a.error == null || b.error == null) return undefined
    return Math.abs(a.value - b.value) > DISTINCT * Math.hypot(a.error, b.error)
  }
})

const shortText = (text: string): string => text.replace(/\.(txt|jsonl?)$/, '')

export interface Difference {
  readonly value: number
  /** Undefined where neither way is an improvement, where nothing differs, and where the rows are not comparable. */
  readonly verdict: 'better' | 'worse' | 'unclear' | undefined
}

/** A row's figure minus the baseline's; undefined where either was not measured. */
export function difference(metric: Metric, row: ComparisonRow, baseline: ComparisonRow): Difference | undefined {
  const [own, other] = [metric.value(row), metric.value(baseline)]
  if (own === undefined || other === undefined) return undefined
  const value = own - other
  const comparable = metric.of === undefined || metric.of(row) === metric.of(baseline)
  if (value === 0 || metric.better === undefined || !comparable) return { value, verdict: undefined }
  if (metric.distinct?.(row, baseline) === false) return { value, verdict: 'unclear' }
  return { value, verdict: value < 0 === (metric.better === 'lower') ? 'better' : 'worse' }
}

/** The rows with their figures, every digit of them, for a file. */
export function comparisonTable(rows: readonly ComparisonRow[], metrics: readonly Metric[]) {
  return {
    columns: [
      'run',
      'title',
      'variant',
      'method',
      'rank',
      'quantizer',
      'model',
      'tags',
      ...metrics.flatMap(({ key, error }) => [key, ...(error ? [`${key}, standard error`] : [])])
    ],
    rows: rows.map((row): (string | number | null)[] => [
      row.run.id,
      row.run.title,
      row.variant.name,
      row.variant.method,
      row.variant.rank,
      row.variant.quantizer,
      row.run.model,
      row.run.tags.join(' '),
      ...metrics.flatMap(({ value, error }) => [value(row) ?? null, ...(error ? [error(row) ?? null] : [])])
    ])
  }
}
