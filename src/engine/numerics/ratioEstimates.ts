/*
 * Means over tokens that were drawn row by row: Σ total / Σ tokens over rows, which may count different numbers of tokens.
 * Rows are the sampling unit, for the tokens of one row depend on each other. Source: the ratio estimator of cluster
 * sampling, W. G. Cochran, Sampling Techniques (3rd ed., 1977), §6.3 and §9A.1, without the finite population correction.
 */

/** Sums over the tokens of each row, and how many tokens that were. */
export interface RowTotals {
  readonly totals: ArrayLike<number>
  readonly tokens: ArrayLike<number>
}

/** Σ totals / Σ tokens. */
export const ratioOf = ({ totals, tokens }: RowTotals): number => sum(totals) / sum(tokens)

/**
 * Covariance of two such means over the same rows, float64.
 *
 *     cov(â, b̂) ≈ n / (n − 1) · Σᵣ (aᵣ − â tᵣ) (bᵣ − b̂ tᵣ) / (Σᵣ tᵣ)²,   n = rows of which a token counts
 *
 * @returns NaN where fewer than two rows count
 */
export function ratioCovariance(a: RowTotals, b: RowTotals): number {
  const [left, right] = [ratioOf(a), ratioOf(b)]
  let products = 0
  let rows = 0
  for (let i = 0; i < a.tokens.length; i++) {
    products += (a.totals[i] - left * a.tokens[i]) * (b.totals[i] - right * b.tokens[i])
    if (a.tokens[i] > 0) rows++
  }
  return rows < 2 ? Number.NaN : ((rows / (rows - 1)) * products) / sum(a.tokens) ** 2
}

export const ratioError = (of: RowTotals): number => Math.sqrt(ratioCovariance(of, of))

/**
 * Standard error of a quotient of two differences, the share s = (a − b) / (a − c), by the delta method to second order.
 *
 *     e = (a − b) − s (a − c),  x = a − c,  var s ≈ var e / x² · (1 + (3 + 5 ρ²) κ²),  κ² = var x / x²,  ρ = cor(e, x)
 *
 * The first order alone is too small by 7 % where x is six of its standard errors. Of an x within two of its standard
 * errors from 0 no share can be told, whatever its standard error says.
 *
 * @param values - [a, b, c]
 * @param covariance - of the three
 */
export function shareError(
  values: readonly [number, number, number],
  covariance: readonly (readonly number[])[]
): number {
  const [a, b, c] = values
  const x = a - c
  const share = (a - b) / x
  const e = [1 - share, -1, share]
  const gap = [1, 0, -1]
  const [varE, varX, covEX] = [form(e, covariance, e), form(gap, covariance, gap), form(e, covariance, gap)]
  const first = Math.max(0, varE) / x ** 2
  if (first === 0) return 0
  return Math.sqrt(first * (1 + (3 * varX + (5 * covEX ** 2) / varE) / x ** 2))
}

/** uᵀ C v. */
function form(u: readonly number[], C: readonly (readonly number[])[], v: readonly number[]): number {
  let total = 0
  for (const [i, left] of u.entries()) for (const [j, right] of v.entries()) total += left * right * C[i][j]
  return total
}

function sum(values: ArrayLike<number>): number {
  let total = 0
  for (let i = 0; i < values.length; i++) total += values[i]
  return total
}
