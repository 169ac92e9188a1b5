import { quantizedPerplexity } from '../proof'
import { layersAreOfStart } from '../refinementWords'
import { gapClosed, type Perplexities, type RowStatistics } from '../runEvents'
import { distinguishable, subject } from '../uncertainty'
import type { ComparedRun, ComparedVariant, VariantTotals } from './comparedRun'

/** What is compared: one variant of one run. Figures that nobody measured yet are undefined. */
export interface ComparisonRow {
  /** `run/variant`; the same in addresses. */
  readonly key: string
  readonly run: ComparedRun
  readonly variant: ComparedVariant
  readonly perplexity: Readonly<Record<string, RowPerplexity>>
  /** 1 − Σ loss / Σ loss at rank 0, over all linears; of a refined variant only `atStart` is known. */
  readonly lossRemoved: number | undefined
  readonly meanLossRemoved: number | undefined
  /** The same two of the start of a refinement. */
  readonly atStart?: Pick<ComparisonRow, 'lossRemoved' | 'meanLossRemoved'>
  /** Of the adapter. */
  readonly parameters: number | undefined
  readonly workedMs: number | undefined
}

export interface RowPerplexity {
  readonly fullPrecision: number
  readonly quantized: number
  readonly adapter: number
  /** Undefined where there is no gap, and where it is not told from none. */
  readonly gapClosed: number | undefined
  /** Whether the quantized base cannot be told from full precision: a share of their difference would say nothing. */
  readonly gapUnclear: boolean
  /** The whole text's figures, with which variants of the same run are told apart. */
  readonly measured: Perplexities
  /** Uncertainties and divergence from full precision; runs of older versions lack them. */
  readonly statistics: RowStatistics['variants'][string] | undefined
}

export const rowKey = (run: string, variant: string): string => `${run}/${variant}`

/** A run's id alone stands for all of its variants; neither a run's id nor a variant's name holds a slash. */
export function parseRowKey(key: string): { readonly run: string; readonly variant: string | undefined } {
  const slash = key.indexOf('/')
  return slash < 0 ? { run: key, variant: undefined } : { run: key.slice(0, slash), variant: key.slice(slash + 1) }
}

/** Rows in the order of the keys, each once; keys of runs or variants that there are not are passed over. */
export function comparisonRows(runs: readonly ComparedRun[], keys: readonly string[]): ComparisonRow[] {
  const byId = new Map(runs.map((run) => [run.id, run]))
  const rows = new Map<string, ComparisonRow>()
  for (const { run: id, variant: name } of keys.map(parseRowKey)) {
    const run = byId.get(id)
    for (const variant of run?.variants ?? []) {
      if (name !== undefined && name !== variant.name) continue
      const row = rowOf(run as ComparedRun, variant)
      if (!rows.has(row.key)) rows.set(row.key, row)
    }
  }
  return [...rows.values()]
}

const NOT_KNOWN = { lossRemoved: undefined, meanLossRemoved: undefined }

const removedOf = (totals: VariantTotals | null) => ({
  lossRemoved: totals !== null && totals.lossRank0 > 0 ? 1 - totals.loss / totals.lossRank0 : undefined,
  meanLossRemoved: totals?.meanRemoved ?? undefined
})

function rowOf(run: ComparedRun, variant: ComparedVariant): ComparisonRow {
  const { totals } = variant
  return {
    key: rowKey(run.id, variant.name),
    run,
    variant,
    perplexity: perplexityOf(run, variant),
    ...(layersAreOfStart(variant) ? { ...NOT_KNOWN, atStart: removedOf(totals) } : removedOf(totals)),
    parameters: parametersOf(variant),
    workedMs: run.workedMs ?? undefined
  }
}

/** Of its adapter: the same rank everywhere, or what ranks by layer took. */
function parametersOf({ totals, rank, ranks }: ComparedVariant): number | undefined {
  if (ranks?.kept === 'budget') return ranks.parameters
  return totals === null ? undefined : totals.width * rank
}

function perplexityOf(
  { perplexity }: ComparedRun,
  { name, quantizer }: ComparedVariant
): Record<string, RowPerplexity> {
  return Object.fromEntries(
    Object.entries(perplexity).flatMap(([text, measured]) => {
      const adapter = measured.variants[name]
      if (adapter === undefined) return []
      const { fullPrecision } = measured
      const quantized = quantizedPerplexity(measured, quantizer)
      const gapUnclear = distinguishable(measured, subject.quantizer(quantizer), subject.full) === false
      const share = gapUnclear ? undefined : gapClosed(fullPrecision, quantized, adapter)
      const statistics = measured.statistics?.variants[name]
      return [[text, { fullPrecision, quantized, adapter, gapClosed: share, gapUnclear, measured, statistics }]]
    })
  )
}

/** The evaluation texts of any of the rows, in the order in which they are met. */
export const textsOf = (rows: readonly ComparisonRow[]): string[] => [
  ...new Set(rows.flatMap(({ perplexity }) => Object.keys(perplexity)))
]
