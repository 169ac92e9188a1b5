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
/** The same where the vectors only start an iteration. */
const ROUGH_PASSES = 9
/** Seconds per cubed size of a cycle's dense problem, all restarts of 24 products together. */
const DENSE_SECONDS = 6e-9
/** Seconds that the calls of one eigenvalue problem, of one product, of one variant take even on tiny matrices. */
const PROBLEM_SECONDS = 0.01
const PRODUCT_SECONDS = 0.001
const VARIANT_SECONDS = 0.003

/**
 * Arithmetic of all variants of one linear under one quantizer (docs/numerics.md). Eigenpairs are found once for the largest
 * rank and shared; those of E H Eᵀ are always wanted, as a certificate.
 */
export function solverWork({ inFeatures: n, outFeatures: m }: Shape, variants: readonly PreparedVariant[]): SolverWork {
  const work = { flops: 4 * m * n * n, serialSeconds: 0 }
  if (variants.length === 0) return { ...work, flops: 2 * m * n * n }
  const add = (flops: number, seconds: number): void => {
    work.flops += flops
    work.serialSeconds += seconds
  }
  const block = Math.max(...variants.map(({ spec }) => spec.rank)) + OVERSAMPLING
  const dense = DENSE_SECONDS * Math.min(m, DEPTH * block) ** 3
  for (const passes of eigenproblems(variants).values()) {
    add(passes * 4 * m * n * block, (passes / PASSES.full) * (dense + PROBLEM_SECONDS))
  }
  for (const { spec, method } of variants) {
    const products = method.products?.(spec) ?? 0
    const product = (4 * m * n + 4 * m * spec.rank) * spec.rank
    add(products * product, products * PRODUCT_SECONDS)
    add((8 * m * n + 4 * n * n) * spec.rank, VARIANT_SECONDS)
  }
  return work
}

/** The eigenvalue problems that the methods ask for, each with the products that the most demanding of them needs. */
function eigenproblems(variants: readonly PreparedVariant[]): ReadonlyMap<Weighting, number> {
  const passes = new Map<Weighting, number>([['full', PASSES.full]])
  for (const { method } of variants) {
    for (const weighting of method.eigenproblems) {
      const own = method.roughly ? ROUGH_PASSES : PASSES[weighting]
      passes.set(weighting, Math.max(passes.get(weighting) ?? 0, own))
    }
  }
  return passes
}
