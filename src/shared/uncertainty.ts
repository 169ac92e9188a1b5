import { infinityText, LARGE } from './figureText'
import type { Perplexities } from './runEvents'

/*
 * What may be said of the difference between two perplexities on the same rows: how easy the rows are moves both, so that
 * their difference is known far better than either.
 */

/** A set of weights as the errors of a text's log ratios name it. */
export const subject = {
  full: 'full precision',
  quantizer: (key: string): string => `quantizer ${key}`,
  variant: (name: string): string => `variant ${name}`
} as const

/** A difference within so many of its standard errors is not told from none. */
export const DISTINCT = 2

/**
 * Standard error of log(perplexity of `a` / perplexity of `b`), paired over rows.
 * @returns undefined where the run's version did not measure it, or fewer than two rows count
 */
export function logRatioError({ statistics }: Perplexities, a: string, b: string): number | undefined {
  const { of, values } = statistics?.logRatioErrors ?? { of: [], values: [] }
  const [i, j] = [of.indexOf(a), of.indexOf(b)]
  return i >= 0 && i === j ? 0 : values[Math.max(i, j)]?.[Math.min(i, j)]
}

/**
 * Whether the rows tell two perplexities apart: |log ratio| > 2 standard errors, paired over rows.
 * @returns undefined where it is not known
 */
export function distinguishable(measured: Perplexities, a: string, b: string): boolean | undefined {
  const error = logRatioError(measured, a, b)
  if (error === undefined) return undefined
  return Math.abs(Math.log(perplexityOf(measured, a) / perplexityOf(measured, b))) > DISTINCT * error
}

function perplexityOf({ fullPrecision, quantizers, variants }: Perplexities, of: string): number {
  if (of === subject.full) return fullPrecision
  const named = [
    ...Object.entries(quantizers).map(([key, value]) => [subject.quantizer(key), value] as const),
    ...Object.entries(variants).map(([name, value]) => [subject.variant(name), value] as const)
  ]
  return named.find(([name]) => name === of)?.[1] ?? Number.NaN
}

/** Fewer predicted tokens than this say little of a model: their perplexity is one of a few sentences. */
export const FEW_TOKENS = 4000

/** What stands where the rows do not tell a difference from none. */
export const NOT_DISTINGUISHABLE = 'not distinguishable'

/** In place of a share of a gap that is not told from none. */
export const GAP_UNCLEAR = 'gap unclear'

/** The rule behind it, as a sentence. */
export const DISTINGUISHABLE_RULE = `A difference of at most ${DISTINCT} of its standard errors, paired over rows, is ${NOT_DISTINGUISHABLE} from none.`

const decimalsOf = (value: number, digits: number): number =>
  value === 0 || !Number.isFinite(value) ? 0 : Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(value))))

/**
 * A number with its standard error, in as many decimals as both need: `85.53 ± 0.91`, `0.00782 ± 0.00007`.
 *
 * @param digits - significant digits of the number
 * @param error - null or undefined where it is not known, 0 where the number is exact: then the number stands alone
 */
export function estimateText(value: number, error: number | null | undefined, digits = 4): string {
  if (!Number.isFinite(value)) return infinityText(value)
  if (value !== 0 && Math.abs(value) < 1e-8) return value.toExponential(digits - 1)
  const known = error ?? 0
  if (Math.abs(value) >= LARGE)
    return `${value.toExponential(digits - 1)}${known > 0 ? ` ± ${known.toExponential(1)}` : ''}`
  const decimals = Math.min(10, Math.max(decimalsOf(value, digits), decimalsOf(known, 1)))
  const fixed = (number: number): string =>
    number.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
  return known > 0 ? `${fixed(value)} ± ${fixed(known)}` : fixed(value)
}

/** A share as per cent with its standard error: `63.7 ± 4.7 %`, `91.91 ± 0.02 %`. */
export function shareText(share: number, error: number | null | undefined): string {
  if (!Number.isFinite(share)) return '–'
  const known = 100 * (error ?? 0)
  const decimals = Math.min(6, Math.max(1, decimalsOf(known, 1)))
  const text = (100 * share).toFixed(decimals).replace(/^-(?=[0.]+$)/, '')
  return known > 0 ? `${text} ± ${known.toFixed(decimals)} %` : `${text} %`
}
