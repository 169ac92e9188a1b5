import type { LinearAlgebra } from '../graph/linearAlgebra'
import { type Matrix32, type Matrix64, scaleRows, toFloat64 } from '../numerics/matrix'
import { weighThere } from './weighThere'

/** Eigenpairs of a G that are kept. */
export const CURVATURE_RANK = 128

/** Tokens that the gradients are taken of: more would tell the same (docs/numerics.md). */
const CURVATURE_TOKENS = 8192

/** How many rows of a calibration set the gradients are taken of. */
export const curvatureRows = ({ rows, context }: { readonly rows: number; readonly context: number }): number =>
  Math.min(rows, Math.max(1, Math.floor(CURVATURE_TOKENS / context)))

/** A matrix V diag(λ) Vᵀ + f (I − V Vᵀ) as plain values, which cross from thread to thread. */
export interface Eigenpairs {
  /** V, orthonormal [out, k]. */
  readonly vectors: Matrix32
  /** λ, positive, [k]. */
  readonly values: Float64Array
  /** f, positive. */
  readonly floor: number
}

/**
 * What errors at the outputs of a linear count: the second moment G = E[g gᵀ] [out, out] of the gradients there, as its
 * leading eigenpairs and one value for all other directions.
 *
 *     G ≈ V diag(λ) Vᵀ + f (I − V Vᵀ)
 *
 * With H, the second moment of its inputs, an error R of its weights raises the model's divergence from itself by about
 * ½ tr(G R H Rᵀ): G ⊗ H is the Kronecker factor of the Fisher information (K-FAC).
 */
export class OutputCurvature implements Eigenpairs {
  constructor(
    readonly vectors: Matrix32,
    readonly values: Float64Array,
    readonly floor: number
  ) {}

  static of({ vectors, values, floor }: Eigenpairs): OutputCurvature {
    return new OutputCurvature(vectors, values, floor)
  }

  /** G^½ X for X [out, n], with products in float32 on the device. */
  async weigh(algebra: LinearAlgebra, X: Matrix32): Promise<Matrix32> {
    const factors = this.#factors(0.5)
    const parts = scaleRows(await algebra.gemm32(this.vectors, X, { transA: true }), factors)
    const scaled = await algebra.gemm32(this.vectors, parts)
    const root = Math.sqrt(this.floor)
    for (let i = 0; i < scaled.data.length; i++) (scaled.data[i] as number) += root * (X.data[i] as number)
    return scaled
  }

  /** G^½ E of an E that lies on a device, there; undefined where it has to be made by `weigh`. */
  weighThere(algebra: LinearAlgebra, E: Matrix32): Promise<Matrix32 | undefined> {
    const root = { vectors: this.vectors, along: this.#factors(0.5), floor: Math.sqrt(this.floor) }
    return weighThere(algebra, root, E)
  }

  /** G^½ X for X [out, n], in float64. */
  weigh64(algebra: LinearAlgebra, X: Matrix64): Promise<Matrix64> {
    return this.#times(algebra, X, this.#factors(0.5), Math.sqrt(this.floor))
  }

  /** G^−½ X for X [out, n], in float64. */
  unweigh(algebra: LinearAlgebra, X: Matrix64): Promise<Matrix64> {
    return this.#times(algebra, X, this.#factors(-0.5), 1 / Math.sqrt(this.floor))
  }

  /** The largest factor by which G^½ makes anything longer. */
  get size(): number {
    return Math.sqrt(this.values.reduce((largest, value) => Math.max(largest, value), this.floor))
  }

  /** V diag(along) VᵀX + floor · X. */
  async #times(algebra: LinearAlgebra, X: Matrix64, along: Float64Array, floor: number): Promise<Matrix64> {
    const vectors = toFloat64(this.vectors)
    const parts = scaleRows(await algebra.gemm64(vectors, X, { transA: true }), along)
    const scaled = await algebra.gemm64(vectors, parts)
    for (let i = 0; i < scaled.data.length; i++) (scaled.data[i] as number) += floor * (X.data[i] as number)
    return scaled
  }

  /** λ^p − f^p: what a power of G has along V beyond what it has everywhere. */
  #factors(power: number): Float64Array {
    return this.values.map((value) => value ** power - this.floor ** power)
  }
}
