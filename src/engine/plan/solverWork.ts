import type { Weighting } from '../../shared/methods'
import { CURVATURE_RANK } from '../methods/outputCurvature'
import type { PreparedVariant } from '../prepare/preparedRun'

export interface SolverWork {
  readonly flops: number
  /** Seconds on one thread, as measured on the machine of docs/benchmarks.md. */
  readonly serialSeconds: number
}

interface Shape {
  readonly inFeatures: number
  readonly outFeatures: number
}

/**
 * Columns that the search for one eigenvalue problem multiplies, as multiples of the rank: few for E H Eᵀ, whose spectrum
 * falls quickly; more where H does not shape it.
 */
const COLUMNS: Readonly<Record<Weighting, number>> = { full: 4.5, diagonal: 7, none: 8 }
/** The same where the vectors only start an iteration. */
const ROUGH_COLUMNS = 5
/** Products with `rank` columns that powers of E H Eᵀ take, whatever the power. */
const MOST_PRODUCTS = 7
/** How much longer thin products take than large ones with as many operations. */
const THIN = 1.25
/** Seconds a weight: quantizing it, its error, norms, histograms, the transposes. */
const WEIGHT_SECONDS = 3.5e-8
/** Seconds per cubed size of a search's dense problem, all looks at it together. */
const DENSE_SECONDS = 6.5e-9
/**
 * Seconds of one eigenvalue problem, of one product, of one variant beside what is counted by operations: steps whose time
 * goes with the sides of a matrix. Measured on linears of 576 × 576, which larger ones add nothing to.
 */
const PROBLEM_SECONDS = 0.022
const PRODUCT_SECONDS = 0.0065
const VARIANT_SECONDS = 0.0065
const MEASURED_SIDE = 576

/**
 * Arithmetic of all variants of one linear under one quantizer (docs/numerics.md). Eigenpairs are found once for the largest
 * rank and shared; those of E H Eᵀ are always wanted, as a certificate.
 */
export function solverWork({ inFeatures: n, outFeatures: m }: Shape, variants: readonly PreparedVariant[]): SolverWork {
  const energy = (9 / 8) * m * n * n
  const work = { flops: energy, serialSeconds: WEIGHT_SECONDS * m * n }
  if (variants.length === 0) return { ...work, flops: 0 }
  const beside = Math.min(1, Math.sqrt(m * n) / MEASURED_SIDE)
  const add = (flops: number, seconds: number): void => {
    work.flops += flops
    work.serialSeconds += seconds
  }
  const rank = Math.max(...variants.map(({ spec }) => spec.rank))
  for (const [weighting, multiple] of eigenproblems(variants)) {
    const columns = Math.min(m, multiple * rank)
    add(columns * productFlops(m, n, weighting), DENSE_SECONDS * columns ** 3 + beside * PROBLEM_SECONDS)
  }
  const weighed = variants.filter(({ method }) => method.curvature).map(({ spec }) => spec.rank)
  if (weighed.length > 0) {
    const columns = Math.min(m, COLUMNS.full * Math.max(...weighed))
    const roots = 4 * Math.min(CURVATURE_RANK, m) * m * n
    add(roots + columns * productFlops(m, n, 'full'), DENSE_SECONDS * columns ** 3 + beside * PROBLEM_SECONDS)
  }
  for (const { spec, method } of variants) {
    const products = Math.min(MOST_PRODUCTS, method.products?.(spec) ?? 0)
    add(products * productFlops(m, n, 'full') * spec.rank, products * beside * PRODUCT_SECONDS)
    add((8 * m * n + 4 * n * n) * spec.rank, beside * VARIANT_SECONDS)
  }
  return work
}

/** Of E K Eᵀ with one column. */
const productFlops = (m: number, n: number, weighting: Weighting): number =>
  THIN * (4 * m * n + (weighting === 'full' ? 2 * n * n : 0))

/** The eigenvalue problems that the methods ask for, each with the columns, in ranks, that the most demanding of them needs. */
function eigenproblems(variants: readonly PreparedVariant[]): ReadonlyMap<Weighting, number> {
  const columns = new Map<Weighting, number>([['full', COLUMNS.full]])
  for (const { method } of variants) {
    for (const weighting of method.eigenproblems) {
      const own = method.roughly ? ROUGH_COLUMNS : COLUMNS[weighting]
      columns.set(weighting, Math.max(columns.get(weighting) ?? 0, own))
    }
  }
  return columns
}
