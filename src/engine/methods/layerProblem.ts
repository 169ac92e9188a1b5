import type { LinearAlgebra } from '../graph/linearAlgebra'
import type { Matrix32, Matrix64 } from '../numerics/matrix'
import {
  innerProduct,
  scaleRows,
  sliceColumns,
  squaredNorm,
  symmetrized,
  toFloat32,
  toFloat64
} from '../numerics/matrix'
import { seededRandom } from '../numerics/random'
import type { SymmetricEigen } from '../numerics/symmetricEigen'
import { symmetricEigen } from '../numerics/symmetricEigen'
import type { SecondMoment } from './secondMoment'
import { topEigenpairs } from './topEigenpairs'

/** What the squared error of an input channel counts: all alike, by its energy, or with its correlations. */
export type Weighting = 'none' | 'diagonal' | 'full'

export interface LayerProblemOptions {
  /** The largest rank that will be asked for; eigenpairs are computed once for it. */
  readonly maxRank: number
  readonly seed: number
  /** Precision of the large products; the small dense problems are always float64. */
  readonly precision?: 'float32' | 'float64'
}

/**
 * One quantized linear: its error E = W − Q [m, n] and the second moment H [n, n] of its input.
 *
 * Every method asks for leading eigenvectors of G = E K Eᵀ, with K = I, diag(H) or H; they are computed once and
 * shared by all variants. G is never formed when it is large: G · Y = E (K (Eᵀ Y)).
 */
export class LayerProblem {
  readonly #eigen = new Map<Weighting, Promise<SymmetricEigen>>()
  readonly #E64: Matrix64
  readonly #E32: Matrix32
  #EH: Promise<Matrix64> | undefined

  constructor(
    readonly algebra: LinearAlgebra,
    readonly name: string,
    E: Matrix32 | Matrix64,
    readonly moment: SecondMoment,
    private readonly options: LayerProblemOptions
  ) {
    this.#E64 = toFloat64(E)
    this.#E32 = toFloat32(E)
  }

  get outFeatures(): number {
    return this.#E64.rows
  }

  get inFeatures(): number {
    return this.#E64.cols
  }

  /** E in float64. */
  get E(): Matrix64 {
    return this.#E64
  }

  get seed(): number {
    return this.options.seed
  }

  /** E · H in float64: one product per linear, from which every loss follows. */
  EH(): Promise<Matrix64> {
    this.#EH ??= this.algebra.gemm64(this.#E64, this.moment.H)
    return this.#EH
  }

  /** tr(E H Eᵀ): the loss of the quantized linear without an adapter. */
  async lossRank0(): Promise<number> {
    return Math.max(0, innerProduct((await this.EH()).data, this.#E64.data))
  }

  /** ‖E‖². */
  get frobeniusRank0(): number {
    return squaredNorm(this.#E64.data)
  }

  /** G · Y = E K Eᵀ Y, for Y [m, k]. */
  async apply(weighting: Weighting, Y: Matrix64): Promise<Matrix64> {
    if (this.options.precision === 'float64') return this.#apply64(weighting, Y)
    const { algebra, moment } = this
    let T = await algebra.gemm32(this.#E32, toFloat32(Y), { transA: true }) // EᵀY [n, k]
    if (weighting === 'full') T = await algebra.gemm32(moment.rounded, T)
    if (weighting === 'diagonal') scaleRows(T, moment.diagonal)
    return toFloat64(await algebra.gemm32(this.#E32, T))
  }

  async #apply64(weighting: Weighting, Y: Matrix64): Promise<Matrix64> {
    const { algebra, moment } = this
    const T = await algebra.gemm64(this.#E64, Y, { transA: true })
    if (weighting === 'full') return algebra.gemm64(await this.EH(), T)
    if (weighting === 'diagonal') scaleRows(T, moment.diagonal)
    return algebra.gemm64(this.#E64, T)
  }

  /** The largest eigenpairs of E K Eᵀ, at least `maxRank` where that many exist. */
  eigen(weighting: Weighting): Promise<SymmetricEigen> {
    const known = this.#eigen.get(weighting)
    if (known !== undefined) return known
    const computed = this.#computeEigen(weighting)
    this.#eigen.set(weighting, computed)
    return computed
  }

  /** The most that a correction of this rank can remove from the loss: Σ λᵢ(E H Eᵀ), i ≤ rank. */
  async exactGain(rank: number): Promise<number> {
    const { values } = await this.eigen('full')
    return values.subarray(0, rank).reduce((sum, value) => sum + Math.max(0, value), 0)
  }

  /** Orthonormal leading eigenvectors of E K Eᵀ, [m, min(rank, m)]. */
  async leading(weighting: Weighting, rank: number): Promise<Matrix64> {
    const { vectors } = await this.eigen(weighting)
    return sliceColumns(vectors, 0, Math.min(rank, vectors.cols))
  }

  async #computeEigen(weighting: Weighting): Promise<SymmetricEigen> {
    const exactArithmetic = this.options.precision === 'float64'
    const found = await topEigenpairs(
      this.algebra,
      { size: this.outFeatures, apply: (Y) => this.apply(weighting, Y) },
      {
        count: Math.min(this.options.maxRank, this.outFeatures, this.inFeatures),
        tolerance: exactArithmetic ? 1e-12 : 1e-7,
        random: seededRandom('eigen', this.options.seed, this.name, weighting)
      }
    )
    return exactArithmetic ? found : this.#refine(weighting, found)
  }

  /** Solves the small problem once more with float64 products, which removes the rounding of the float32 ones. */
  async #refine(weighting: Weighting, { vectors: U }: SymmetricEigen): Promise<SymmetricEigen> {
    const { algebra } = this
    const T = symmetrized(await algebra.gemm64(U, await this.#apply64(weighting, U), { transA: true }))
    const { values, vectors } = symmetricEigen(T)
    return { values, vectors: await algebra.gemm64(U, vectors) }
  }
}
