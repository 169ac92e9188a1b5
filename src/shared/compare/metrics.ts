import type { ComparisonRow } from './rows'

/** A figure of a row; `better` says which way an improvement goes, for those that can be better. */
export interface Metric {
  readonly key: string
  readonly title: string
  readonly kind: 'number' | 'share' | 'count' | 'duration'
  readonly better: 'lower' | 'higher' | undefined
  readonly value: (row: ComparisonRow) => number | undefined
  /** What two rows must share for one figure to be better than the other; without it any two compare. */
  readonly of?: (row: ComparisonRow) => unknown
}

/** A share is one of the error of a quantized base: that of another quantizer is another whole. */
const baseOf = ({ run, variant }: ComparisonRow): string => JSON.stringify([run.model, variant.quantizer])

/** The figures of rows that were measured on these texts. */
export const metricsOf = (texts: readonly string[]): Metric[] => [
  ...texts.flatMap((text): Metric[] => [
    {
      key: `perplexity ${text}`,
      title: texts.length === 1 ? 'Perplexity' : `Perplexity, ${shortText(text)}`,
      kind: 'number',
      better: 'lower',
      value: ({ perplexity }) => perplexity[text]?.adapter,
      of: ({ run }) => run.model
    },
    {
      key: `gap ${text}`,
      title: texts.length === 1 ? 'Gap closed' : `Gap closed, ${shortText(text)}`,
      kind: 'share',
      better: 'higher',
      value: ({ perplexity }) => perplexity[text]?.gapClosed,
      of: baseOf
    }
  ]),
  {
    key: 'removed',
    title: 'Error removed',
    kind: 'share',
    better: 'higher',
    value: ({ lossRemoved }) => lossRemoved,
    of: baseOf
  },
  {
    key: 'mean removed',
    title: 'Mean of layers',
    kind: 'share',
    better: 'higher',
    value: ({ meanLossRemoved }) => meanLossRemoved,
    of: baseOf
  },
  { key: 'parameters', title: 'Parameters', kind: 'count', better: 'lower', value: ({ parameters }) => parameters },
  { key: 'time', title: 'Time of run', kind: 'duration', better: undefined, value: ({ workedMs }) => workedMs }
]

const shortText = (text: string): string => text.replace(/\.(txt|jsonl?)$/, '')

export interface Difference {
  readonly value: number
  /** Undefined where neither way is an improvement, where nothing differs, and where the rows are not comparable. */
  readonly verdict: 'better' | 'worse' | undefined
}

/** A row's figure minus the baseline's; undefined where either was not measured. */
export function difference(metric: Metric, row: ComparisonRow, baseline: ComparisonRow): Difference | undefined {
  const [own, other] = [metric.value(row), metric.value(baseline)]
  if (own === undefined || other === undefined) return undefined
  const value = own - other
  const comparable = metric.of === undefined || metric.of(row) === metric.of(baseline)
  if (value === 0 || metric.better === undefined || !comparable) return { value, verdict: undefined }
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
      ...metrics.map(({ key }) => key)
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
      ...metrics.map(({ value }) => value(row) ?? null)
    ])
  }
}
