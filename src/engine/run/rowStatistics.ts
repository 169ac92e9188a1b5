import { type Fidelity, gapClosed, type Perplexities, type RowStatistics } from '../../shared/runEvents'
import type { RowsOfText } from '../../shared/runFolder'
import { subject } from '../../shared/uncertainty'
import { type RowTotals, ratioCovariance, ratioError, ratioOf, shareError } from '../numerics/ratioEstimates'

type Compared = RowsOfText['variants'][string]
type VariantStatistics = RowStatistics['variants'][string]

/**
 * Perplexities of one evaluation text and what its rows say of them.
 *
 *     perplexity = exp(l),  l = Σ loss / Σ tokens over rows,  its standard error = perplexity · that of l
 *
 * The standard error of a share of the gap, (q − v) / (q − f), is that of its three perplexities over the same rows.
 *
 * @param bases - by variant the key of its quantizer
 */
export function perplexitiesOf(rows: RowsOfText, bases: ReadonlyMap<string, string>): Perplexities {
  const totals = (values: number[]): RowTotals => ({ totals: values, tokens: rows.tokens })
  const perplexity = (loss: number[]): number => Math.exp(ratioOf(totals(loss)))
  const quantizers = mapValues(rows.quantizers, ({ loss }) => perplexity(loss))
  const measured = {
    tokens: rows.tokens.reduce((sum, count) => sum + count, 0),
    fullPrecision: perplexity(rows.fullPrecision.loss),
    quantizers,
    variants: mapValues(rows.variants, ({ loss }) => perplexity(loss))
  }
  const fidelity = (of: Compared): Fidelity => ({
    standardError: known(perplexity(of.loss) * ratioError(totals(of.loss))),
    klDivergence: meanOf('mean', totals(of.klDivergence)),
    sameTopToken: meanOf('share', totals(of.sameTopToken))
  })
  const logRatioErrors = logRatioErrorsOf(rows)
  const statistics: RowStatistics = {
    rows: rows.tokens.filter((count) => count > 0).length,
    fullPrecision: { standardError: known(measured.fullPrecision * ratioError(totals(rows.fullPrecision.loss))) },
    quantizers: mapValues(rows.quantizers, fidelity),
    variants: mapValues(rows.variants, (of, name): VariantStatistics => {
      const gap = gapEstimate(rows, name, bases.get(name) as string)
      return { ...fidelity(of), ...(gap && { gapClosed: gap }) }
    }),
    ...(logRatioErrors && { logRatioErrors })
  }
  return { ...measured, statistics }
}

/** (q − v) / (q − f) with its standard error; undefined where there is no gap at all. */
function gapEstimate(
  { tokens, fullPrecision, quantizers, variants }: RowsOfText,
  name: string,
  quantizer: string
): VariantStatistics['gapClosed'] {
  const losses = [quantizers[quantizer] as Compared, variants[name] as Compared, fullPrecision].map(
    ({ loss }): RowTotals => ({ totals: loss, tokens })
  )
  const values = losses.map((loss) => Math.exp(ratioOf(loss))) as [number, number, number]
  const [q, v, f] = values
  const share = gapClosed(f, q, v)
  if (share === undefined) return undefined
  const covariance = losses.map((a, i) =>
    losses.map((b, j) => (values[i] as number) * (values[j] as number) * ratioCovariance(a, b))
  )
  return { share, standardError: known(shareError(values, covariance)) }
}

/** Of all pairs of subjects, √(var l₁ + var l₂ − 2 cov); undefined where fewer than two rows count. */
function logRatioErrorsOf({
  tokens,
  fullPrecision,
  quantizers,
  variants
}: RowsOfText): RowStatistics['logRatioErrors'] {
  const subjects = [
    [subject.full, fullPrecision.loss] as const,
    ...Object.entries(quantizers).map(([key, { loss }]) => [subject.quantizer(key), loss] as const),
    ...Object.entries(variants).map(([name, { loss }]) => [subject.variant(name), loss] as const)
  ]
  // The mean of the differences is the difference of the means: without the large part that both have in common.
  const difference = (a: readonly number[], b: readonly number[]): number[] =>
    a.map((loss, i) => loss - (b[i] as number))
  const values = subjects.map(([, own], i) =>
    subjects.slice(0, i).map(([, other]) => short(ratioError({ totals: difference(own, other), tokens })))
  )
  return values.flat().some(Number.isNaN) ? undefined : { of: subjects.map(([name]) => name), values }
}

const meanOf = <K extends string>(key: K, totals: RowTotals) =>
  ({ [key]: ratioOf(totals), standardError: known(ratioError(totals)) }) as Record<K, number> & {
    standardError: number | null
  }

/** JSON has no NaN. */
const known = (error: number): number | null => (Number.isFinite(error) ? short(error) : null)

/** Lists hold the figures of a thousand runs: of an error, seven digits are more than it knows. */
const short = (error: number): number => Number(error.toPrecision(7))

const mapValues = <T, U>(values: Readonly<Record<string, T>>, map: (value: T, key: string) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, map(value, key)]))
