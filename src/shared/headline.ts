import { gapSentence, type ProvenVariant, quantizedPerplexity } from './proof'
import { quantizerLabel } from './quantizerWords'
import { type Fidelity, gapClosed, type Perplexities, type RowStatistics } from './runEvents'
import { distinguishable, logRatioError, subject } from './uncertainty'

/*
 * The headline of a run: what it found, for each quantizer on its own. Every quantizer leaves another gap to full
 * precision, so a variant is only ever measured against the base that it repairs, and never against variants of another
 * quantizer. Window, command line, reports and exports all ask here which variant is the best.
 */

/** A variant with its figures on a text; no share where its base leaves no gap. */
export interface VariantFigures<T> {
  readonly variant: T
  readonly perplexity: number
  readonly gapClosed: number | undefined
  /** Its uncertainties and its divergence from full precision; runs of older versions lack them. */
  readonly statistics: RowStatistics['variants'][string] | undefined
  /** Standard error of log(perplexity / the quantized base's), paired over rows; undefined where it is not known. */
  readonly baseError: number | undefined
  /** Whether the rows tell its perplexity from the quantized base's; undefined where that is not known. */
  readonly distinctFromBase: boolean | undefined
  /** The same of the best variant on this base; undefined for the best one too. */
  readonly distinctFromBest: boolean | undefined
}

/** One quantized base on one text: its gap, and its variants, the best first and then by perplexity. */
export interface QuantizerResult<T> {
  /** Key of the quantizer: `nf4-b64-dq`. */
  readonly quantizer: string
  /** As people call it, with as much as tells it from the others of the run. */
  readonly label: string
  readonly fullPrecision: number
  readonly quantized: number
  /** Of full precision, and of the quantized base; runs of older versions lack them. */
  readonly fullStatistics: RowStatistics['fullPrecision'] | undefined
  readonly baseStatistics: Fidelity | undefined
  /** Whether the rows tell the base's perplexity from full precision's; undefined where that is not known. */
  readonly distinctGap: boolean | undefined
  /** Those that are measured, at least one. */
  readonly variants: readonly [VariantFigures<T>, ...VariantFigures<T>[]]
}

/** What a run found on its first evaluation text. */
export interface Headline<T> {
  readonly text: string
  /** The quantizer with the largest gap first: there an adapter matters most. */
  readonly results: readonly [QuantizerResult<T>, ...QuantizerResult<T>[]]
}

interface Measured<T> {
  /** By evaluation text. */
  readonly perplexity: Readonly<Record<string, Perplexities>>
  readonly variants: readonly T[]
}

const keysOf = (variants: readonly ProvenVariant[]): string[] => [
  ...new Set(variants.map(({ quantizer }) => quantizer))
]

/** What was measured on a text, for each quantizer that has a measured variant; the largest gap first. */
export function quantizerResults<T extends ProvenVariant>(
  measured: Perplexities,
  variants: readonly T[]
): QuantizerResult<T>[] {
  const keys = keysOf(variants)
  const results = keys.flatMap((key) => {
    const own = variants.filter(({ quantizer }) => quantizer === key)
    return resultOf(measured, key, quantizerLabel(key, keys), own) ?? []
  })
  return results.sort((a, b) => b.quantized - a.quantized)
}

function resultOf<T extends ProvenVariant>(
  measured: Perplexities,
  quantizer: string,
  label: string,
  variants: readonly T[]
): QuantizerResult<T> | undefined {
  const { fullPrecision, statistics } = measured
  const quantized = quantizedPerplexity(measured, quantizer)
  const base = subject.quantizer(quantizer)
  const found = bestFirst(
    measured,
    variants.flatMap((variant) => {
      const perplexity = measured.variants[variant.name]
      return perplexity === undefined ? [] : [{ variant, perplexity }]
    })
  )
  const [first] = found
  const figures = found.map(({ variant, perplexity }): VariantFigures<T> => {
    const own = subject.variant(variant.name)
    return {
      variant,
      perplexity,
      gapClosed: gapClosed(fullPrecision, quantized, perplexity),
      statistics: statistics?.variants[variant.name],
      baseError: logRatioError(measured, own, base),
      distinctFromBase: distinguishable(measured, own, base),
      distinctFromBest:
        first === undefined || variant === first.variant
          ? undefined
          : distinguishable(measured, own, subject.variant(first.variant.name))
    }
  })
  const [best, ...others] = figures
  return (
    best && {
      ...{ quantizer, label, fullPrecision, quantized, variants: [best, ...others] },
      fullStatistics: statistics?.fullPrecision,
      baseStatistics: statistics?.quantizers[quantizer],
      distinctGap: distinguishable(measured, base, subject.full)
    }
  )
}

interface Found<T> {
  readonly variant: T
  readonly perplexity: number
}

/**
 * From the lowest perplexity to the highest, but for the best, which comes first: of those whose perplexities the rows do
 * not tell from the lowest, the one with the least divergence from full precision. The divergence is known far better than
 * the perplexity, and an adapter that only came to suit the text has more of it. A single row tells none apart; runs of older
 * versions, which do not know what rows tell, know no divergence either.
 */
function bestFirst<T extends ProvenVariant>(measured: Perplexities, variants: readonly Found<T>[]): Found<T>[] {
  const sorted = [...variants].sort((a, b) => a.perplexity - b.perplexity)
  const [lowest] = sorted
  if (lowest === undefined) return []
  const divergence = ({ variant }: Found<T>): number =>
    measured.statistics?.variants[variant.name]?.klDivergence.mean ?? Number.POSITIVE_INFINITY
  const alike = sorted.filter(
    (one) => distinguishable(measured, subject.variant(one.variant.name), subject.variant(lowest.variant.name)) !== true
  )
  const best = alike.reduce((least, one) => (divergence(one) < divergence(least) ? one : least), lowest)
  return [best, ...sorted.filter((one) => one !== best)]
}

/** The headline of a run; undefined while no perplexity is measured. */
export function headlineOf<T extends ProvenVariant>({ perplexity, variants }: Measured<T>): Headline<T> | undefined {
  const [text, measured] = Object.entries(perplexity)[0] ?? []
  if (text === undefined || measured === undefined) return undefined
  const [first, ...others] = quantizerResults(measured, variants)
  return first && { text, results: [first, ...others] }
}

/**
 * What the rows of a text do not tell apart on one base, as `svd-r4, diag-r4 from quantized`; none where all is clear or
 * nothing is known.
 *
 * @param base - what the quantized base is called
 */
export function alikeSentences(
  { distinctGap, variants }: QuantizerResult<{ readonly name: string }>,
  base: string
): string[] {
  const alike = (of: 'distinctFromBase' | 'distinctFromBest'): string =>
    variants
      .filter((one) => one[of] === false)
      .map(({ variant }) => variant.name)
      .join(', ')
  const [fromBase, fromBest] = [alike('distinctFromBase'), alike('distinctFromBest')]
  return [
    ...(distinctGap === false ? [`${base} from full precision, so its gap is unclear`] : []),
    ...(fromBase === '' ? [] : [`${fromBase} from ${base}`]),
    ...(fromBest === '' ? [] : [`${fromBest} from the best, ${variants[0].variant.name}`])
  ]
}

/** What is recommended of one quantizer. */
export interface Recommendation<T> {
  readonly quantizer: string
  readonly label: string
  readonly variant: T
  /** True where even the best of the quantizer's variants makes the base worse: better train without any of them. */
  readonly harmful: boolean
}

/**
 * The variant to take for each quantizer: the best, or while none is measured the last one, as recipes go from simple to
 * good. In the order of the headline.
 */
export function recommendations<T extends ProvenVariant>(run: Measured<T>): Recommendation<T>[] {
  const keys = keysOf(run.variants)
  const measured = (headlineOf(run)?.results ?? []).map((result) => {
    const { quantizer, label } = result
    return { quantizer, label, variant: result.variants[0].variant, harmful: makesWorse(result) }
  })
  const others = keys.filter((key) => !measured.some(({ quantizer }) => quantizer === key))
  return [
    ...measured,
    ...others.map((quantizer) => {
      const variant = run.variants.findLast((one) => one.quantizer === quantizer) as T
      return { quantizer, label: quantizerLabel(quantizer, keys), variant, harmful: false }
    })
  ]
}

/**
 * Whether the best variant makes its base worse, also where quantizing left no gap, so that no share of it can say so. A base
 * without a clear gap owes its perplexity to luck on the text: what brings it nearer to full precision, whose perplexity is then
 * no lower, does no harm. Runs of older versions do not know what is nearer.
 */
function makesWorse<T>(result: QuantizerResult<T>): boolean {
  const { fullPrecision, quantized, distinctGap, baseStatistics } = result
  const [best] = result.variants
  const divergence = best.statistics?.klDivergence.mean ?? Number.POSITIVE_INFINITY
  const nearer = divergence < (baseStatistics?.klDivergence.mean ?? 0)
  const clearGap = quantized > fullPrecision && distinctGap !== false
  return best.perplexity > quantized && best.distinctFromBase !== false && (clearGap || !nearer)
}

/**
 * The headline in words: a sentence for each quantizer about its best variant, or about `chosen` where that one repairs
 * it; none while nothing is measured.
 */
export function headlineSentences<T extends ProvenVariant>(run: Measured<T>, chosen?: string): string[] {
  const headline = headlineOf(run)
  if (headline === undefined) return []
  const measured = run.perplexity[headline.text] as Perplexities
  return headline.results.map(({ label, variants }) => {
    const { variant } = variants.find((one) => one.variant.name === chosen) ?? variants[0]
    return gapSentence(headline.text, measured, variant, label)
  })
}
