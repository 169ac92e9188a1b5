import { groupBy } from '../groupBy'
import { quantizerResults, type VariantFigures } from '../headline'
import { plural } from '../plural'
import type { Perplexities, RunStatus } from '../runEvents'
import { STATUS_WORDS } from '../runWords'
import { placeOf, placeText, runsOf, type SweepDefinition } from '../sweep'
import type { Treatment } from '../treatment'
import { estimateOf, type SeedEstimate } from './estimates'

/*
 * What a sweep found: figures of every calibration set, variant and evaluation text, over the seeds that are measured.
 */

export interface SweptVariant extends Treatment {
  readonly name: string
  readonly method: string
  readonly rank: number
  readonly quantizer: string
}

/** A run of a sweep, as far as it is. */
export interface SweptRun {
  readonly id: string
  readonly index: number
  readonly status: RunStatus
  readonly variants: readonly SweptVariant[]
  /** Names of the evaluation texts, in the order of the definition's labels. */
  readonly evaluation: readonly string[]
  /** Why it failed. */
  readonly failure?: string
  /** By evaluation text; empty until it is measured. */
  readonly perplexity: Readonly<Record<string, Perplexities>>
}

/** A sweep with its runs, one for each index that has one. */
export interface Sweep {
  readonly definition: SweepDefinition
  readonly createdAtMs: number
  readonly model: string
  readonly project: string
  readonly completed: number
  readonly total: number
  readonly runs: readonly SweptRun[]
}

/** `4 of 6 runs completed, 1 failed, 1 not made`: how far a sweep is, or what became of it. */
export const runsSentence = (sweep: Pick<Sweep, 'completed' | 'total' | 'runs'>): string =>
  [`${sweep.completed} of ${plural(sweep.total, 'run')} completed`, ...otherRuns(sweep)].join(', ')

/** What several runs failed of, with the place of each: a disk that was unplugged fails all of them alike. */
export interface SweepFailure {
  readonly message: string
  readonly places: readonly string[]
}

/** Why runs failed, each reason once, in the order of the runs. */
export function sweepFailures({ definition, runs }: Pick<Sweep, 'definition' | 'runs'>): SweepFailure[] {
  const failed = runs.flatMap(({ status, index, failure }) =>
    status === 'failed' && failure !== undefined ? [{ message: failure, place: placeText(definition, index) }] : []
  )
  const reasons = groupBy(failed, ({ message }) => message)
  return [...reasons].map(([message, alike]) => ({ message, places: alike.map(({ place }) => place) }))
}

/** `2 waiting`, `1 failed`, `1 not made`: what is to be said of the runs that are not completed. */
export function otherRuns({ total, runs }: Pick<Sweep, 'total' | 'runs'>): string[] {
  const others = groupBy(
    runs.filter(({ status }) => status !== 'completed'),
    ({ status }) => status
  )
  const missing = total - runs.length
  return [
    ...[...others].map(([status, { length }]) => `${length} ${STATUS_WORDS[status]}`),
    ...(missing > 0 ? [`${missing} not made`] : [])
  ]
}

/** One variant, calibrated on one set, on one evaluation text. */
export interface SweepFigures {
  /** Label of the calibration set. */
  readonly set: string
  readonly text: string
  /** Whether the evaluation text is of the calibration set's kind. */
  readonly own: boolean
  readonly variant: SweptVariant
  readonly perplexity: SeedEstimate
  /** Missing where the quantized base leaves no gap, or one that is not told from none. */
  readonly gapClosed: SeedEstimate | undefined
  readonly klDivergence: SeedEstimate | undefined
  readonly sameTopToken: SeedEstimate | undefined
}

/** What does not depend on the calibration: full precision and a quantized base on a text. */
export interface SweepBase {
  readonly text: string
  readonly quantizer: string
  readonly fullPrecision: number
  readonly quantized: number
  readonly klDivergence: number | undefined
  /** The rows do not tell the base from full precision: no share of their difference is told. */
  readonly gapUnclear: boolean
}

export interface SweepResults {
  readonly bases: readonly SweepBase[]
  readonly figures: readonly SweepFigures[]
}

/** One run for each index: a completed one before others, then the oldest, of which ids tell. */
export function runsByIndex<T extends Pick<SweptRun, 'id' | 'index' | 'status'>>(runs: readonly T[]): Map<number, T> {
  const order = [...runs].sort(
    (a, b) => Number(b.status === 'completed') - Number(a.status === 'completed') || (a.id < b.id ? -1 : 1)
  )
  const found = new Map<number, T>()
  for (const run of order) if (!found.has(run.index)) found.set(run.index, run)
  return new Map([...found].sort(([a], [b]) => a - b))
}

/** The figures of the completed runs, by calibration set, evaluation text and variant, in the order of the definition. */
export function sweepResults(definition: SweepDefinition, runs: readonly SweptRun[]): SweepResults {
  const measured = [...runsByIndex(runs).values()].filter(
    ({ index, status }) => status === 'completed' && index < runsOf(definition)
  )
  const rows = measured.flatMap((run) => rowsOf(definition, run))
  const figures = [...groupBy(rows, ({ set, text, variant }) => JSON.stringify([set, text, variant.name])).values()]
  const bases = groupBy(measured.flatMap(basesOf), ({ text, quantizer }) => JSON.stringify([text, quantizer]))
  return { bases: [...bases.values()].flatMap(([first]) => first ?? []), figures: figures.map(overSeeds) }
}

interface Row {
  readonly set: string
  readonly text: string
  readonly own: boolean
  readonly variant: SweptVariant
  readonly figures: VariantFigures<SweptVariant>
  readonly gapUnclear: boolean
  readonly perplexityError: number | null | undefined
}

function rowsOf(definition: SweepDefinition, { index, variants, evaluation, perplexity }: SweptRun): Row[] {
  const { label } = placeOf(definition, index).set
  return evaluation.flatMap((text, place) => {
    const measured = perplexity[text]
    const results = measured === undefined ? [] : quantizerResults(measured, variants)
    const own = definition.evaluation[place] === label
    return variants.flatMap((variant) => {
      const result = results.find(({ quantizer }) => quantizer === variant.quantizer)
      const figures = result?.variants.find((one) => one.variant === variant)
      if (result === undefined || figures === undefined) return []
      const gapUnclear = result.distinctGap === false
      const perplexityError = figures.statistics?.standardError
      return [{ set: label, text, own, variant, figures, gapUnclear, perplexityError }]
    })
  })
}

function overSeeds(rows: readonly Row[]): SweepFigures {
  const { set, text, own, variant } = rows[0] as Row
  const perplexity = rows.map(({ figures, perplexityError }) => ({ value: figures.perplexity, error: perplexityError }))
  const gaps = rows.flatMap(({ figures: { gapClosed, statistics }, gapUnclear }) =>
    gapClosed === undefined || gapUnclear ? [] : [{ value: gapClosed, error: statistics?.gapClosed?.standardError }]
  )
  const known = rows.flatMap(({ figures: { statistics } }) => statistics ?? [])
  const divergences = known.map(({ klDivergence: { mean, standardError } }) => ({ value: mean, error: standardError }))
  const agreements = known.map(({ sameTopToken: { share, standardError } }) => ({ value: share, error: standardError }))
  return {
    ...{ set, text, own, variant },
    perplexity: estimateOf(perplexity) as SeedEstimate,
    gapClosed: estimateOf(gaps),
    klDivergence: estimateOf(divergences),
    sameTopToken: estimateOf(agreements)
  }
}

const basesOf = ({ variants, perplexity }: SweptRun): SweepBase[] =>
  Object.entries(perplexity).flatMap(([text, measured]) =>
    quantizerResults(measured, variants).map(
      ({ quantizer, fullPrecision, quantized, baseStatistics, distinctGap }) => ({
        ...{ text, quantizer, fullPrecision, quantized },
        klDivergence: baseStatistics?.klDivergence.mean,
        gapUnclear: distinctGap === false
      })
    )
  )
