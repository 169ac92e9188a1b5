import type { Weighting } from '../../shared/methods'
import { DEPTH, OVERSAMPLING } from '../methods/topEigenpairs'
import type { PreparedVariant } from './prepareRun'

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
 * Products of one eigenvalue problem on trained models: a few restarts for E H Eᵀ, whose spectrum falls quickly; about
 * twice as many where H does not shape it.
 */
const PASSES: Readonly<Record<Weighting, number>> = { full: 24, diagonal: 48, none: 48 }
/** Seconds per cubed size of a cycle's dense problem, all restarts of 24 products together. */
const DENSE_SECONDS = 1.5e-8
/** Seconds that the calls of one eigenvalue problem, of one product, of one variant take even on tiny matrices. */
const PROBLEM_SECONDS = 0.01
const PRODUCT_SECONDS = 0.001
const VARIANT_SECONDS = 0.003

/**
 * Arithmetic of all variants of one linear under one quantizer (docs/numerics.md). Eigenpairs are found once for the largest
 * rank and shared; those of E H Eᵀ are always wanted, as a certificate.
 */
export function solverWork({ inFeatures: n, outFeatures: m }: Shape, variants: readonly PreparedVariant[]): SolverWork {
  const work = { flops: 6 * m * n * n, serialSeconds: 0 }
  if (variants.length === 0) return { ...work, flops: 2 * m * n * n }
  const add = (flops: number, seconds: number): void => {
    work.flops += flops
    work.serialSeconds += seconds
  }
  const block = Math.max(...variants.map(({ spec }) => spec.rank)) + OVERSAMPLING
  const dense = DENSE_SECONDS * Math.min(m, DEPTH * block) ** 3
  for (const weighting of weightings(variants)) {
    const pass = (4 * m * n + (weighting === 'full' ? 2 * n * n : 0)) * block
    const share = PASSES[weighting] / PASSES.full
    add(PASSES[weighting] * pass, share * (dense + PROBLEM_SECONDS))
  }
  for (const { spec, method } of variants) {
    const products = method.products?.(spec) ?? 0
    const product = (4 * m * n + 2 * n * n + 4 * m * spec.rank) * spec.rank
    add(products * product, products * PRODUCT_SECONDS)
    add((16 * m * n + 8 * n * n) * spec.rank, VARIANT_SECONDS)
  }
  return work
}

/** The eigenvalue problems that the methods ask for. */
const weightings = (variants: readonly PreparedVariant[]): ReadonlySet<Weighting> =>
  new Set(['full', ...variants.flatMap(({ method }) => method.eigenproblems)])
