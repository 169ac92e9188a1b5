import type { Perplexities } from './runEvents'

/*
 * What may be said of the difference between two perplexities on the same rows: how easy the rows are moves both, so that
 * their difference is known far better than either.
 */

/** A set of weights as the covariance of a text names it. */
export const subject = {
  full: 'full precision',
  quantizer: (key: string): string => `quantizer ${key}`,
  variant: (name: string): string => `variant ${name}`
} as const

/** A difference within so many of its standard errors is not told from none. */
export const DISTINCT = 2

/**
 * Standard error of log(perplexity of `a` / perplexity of `b`), paired over rows: √(Cₐₐ + C_bb − 2 C_ab).
 * @returns undefined where the run's version did not measure it, or fewer than two rows count
 */
export function logRatioError({ statistics }: Perplexities, a: string, b: string): number | undefined {
  const { of, values } = statistics?.covariance ?? { of: [], values: [] }
  const [i, j] = [of.indexOf(a), of.indexOf(b)]
  const at = (row: number, column: number): number | undefined => values[row]?.[column]
  const [aa, bb, ab] = [at(i, i), at(j, j), at(i, j)]
  if (aa === undefined || bb === undefined || ab === undefined) return undefined
  return Math.sqrt(Math.max(0, aa + bb - 2 * ab))
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
