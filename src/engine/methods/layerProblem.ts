import type { Weighting } from '../../shared/methods'
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
import { type RitzPairs, topEigenpairs } from './topEigenpairs'

export interface LayerProblemOptions {
  /** The largest rank that will be asked for; eigenpairs are computed once for it. */
  readonly maxRank: number
  readonly seed: number
  /** Precision of the large products; the small dense problems are always float64. */
  readonly precision?: 'float32' | 'float64'
}

/** What the search for eigenvectors may leave: in the products' precision, and where they only start an iteration. */
const TOLERANCE = { float32: 1e-7, float64: 1e-12 } as const
/**
 * The alternation of `quailora` forgets its start at the rate (λ_{r+1} / λᵢ)²⁰; the nearly flat spectrum of E Eᵀ would need
 * four times the products to settle its last digits.
 */
const START_TOLERANCE = 1e-2

/** Up to so many multiplications E · H is made in float64, which is then a matter of milliseconds. */
const SMALL_PRODUCT = 2 ** 27

/**
 * One quantized linear: its error E = W − Q [m, n] and the second moment H [n, n] of its input.
 *
 * Every method asks for leading eigenvectors of G = E K Eᵀ, with K = I, diag(H) or H; they are computed once and
 * shared by all variants. G is never formed when it is large: G · Y = (E K) (Eᵀ Y), where E · H is made once.
 */
export class LayerProblem {
  readonly #eigen = new Map<Weighting, Promise<SymmetricEigen>>()
  readonly #started = new Map<Weighting, Promise<RitzPairs>>()
  readonly #E32: Matrix32
  #E64: Matrix64 | undefined
  #EH: Promise<Matrix64 | Matrix32> | undefined
  #lossRank0: Promise<number> | undefined
  #frobeniusRank0: number | undefined

  constructor(
    readonly algebra: LinearAlgebra,
    readonly name: string,
    E: Matrix32 | Matrix64,
    readonly moment: SecondMoment,
    private readonly options: LayerProblemOptions
  ) {
    this.#E32 = toFloat32(E)
    if (E.data instanceof Float64Array) this.#E64 = E as Matrix64
  }

  get outFeatures(): number {
    return this.#E32.rows
  }

  get inFeatures(): number {
    return this.#E32.cols
  }

  /** E in float64. */
  get E(): Matrix64 {
    this.#E64 ??= toFloat64(this.#E32)
    return this.#E64
  }

  get seed(): number {
    return this.options.seed
  }

  get #precision(): 'float32' | 'float64' {
    return this.options.precision ?? 'float32'
  }

  /** tr(E H Eᵀ): the loss of the quantized linear without an adapter. */
  lossRank0(): Promise<number> {
    this.#lossRank0 ??= this.#innerEH()
    return this.#lossRank0
  }

  async #innerEH(): Promise<number> {
    return Math.max(0, innerProduct((await this.#productEH()).data, this.E.data))
  }

  /** ‖E‖². */
  get frobeniusRank0(): number {
    this.#frobeniusRank0 ??= squaredNorm(this.E.data)
    return this.#frobeniusRank0
  }

  /**
   * E · H, the one product of full size that a linear costs. In float32 each entry is off by some 1e-7 of its row's length,
   * in random directions, so sums over all entries keep nine digits; small ones are made in float64.
   */
  #productEH(): Promise<Matrix64 | Matrix32> {
    const exact = this.#precision === 'float64' || this.outFeatures * this.inFeatures ** 2 <= SMALL_PRODUCT
    this.#EH ??= exact
      ? this.algebra.gemm64(this.E, this.moment.H)
      : this.algebra.gemm32(this.#E32, this.moment.rounded)
    return this.#EH
  }

  /** G · Y = E K Eᵀ Y, for Y [m, k]. */
  async apply(weighting: Weighting, Y: Matrix64): Promise<Matrix64> {
    if (this.#precision === 'float64') return this.#apply64(weighting, Y)
    const { algebra } = this
    const T = await algebra.gemm32(this.#E32, toFloat32(Y), { transA: true }) // EᵀY [n, k]
    if (weighting === 'diagonal') scaleRows(T, this.moment.diagonal)
    const left = weighting === 'full' ? toFloat32(await this.#productEH()) : this.#E32
    return toFloat64(await algebra.gemm32(left, T))
  }

  async #apply64(weighting: Weighting, Y: Matrix64): Promise<Matrix64> {
    const { algebra } = this
    const T = await algebra.gemm64(this.E, Y, { transA: true })
    if (weighting === 'diagonal') scaleRows(T, this.moment.diagonal)
    return algebra.gemm64(weighting === 'full' ? toFloat64(await this.#productEH()) : this.E, T)
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

  /** The same as far as an iteration that starts there needs them: Σ λᵢ still moves by no more than a hundredth a cycle. */
  async roughlyLeading(weighting: Weighting, rank: number): Promise<Matrix64> {
    const { vectors } = await this.#start(weighting)
    return sliceColumns(vectors, 0, Math.min(rank, vectors.cols))
  }

  /** The beginning of the search, which is the same whoever asks first. */
  #start(weighting: Weighting): Promise<RitzPairs> {
    const known = this.#started.get(weighting)
    if (known !== undefined) return known
    const started = this.#search(weighting, START_TOLERANCE)
    this.#started.set(weighting, started)
    return started
  }

  #search(weighting: Weighting, tolerance: number, from?: RitzPairs): Promise<RitzPairs> {
    return topEigenpairs(
      this.algebra,
      { size: this.outFeatures, apply: (Y) => this.apply(weighting, Y) },
      {
        count: Math.min(this.options.maxRank, this.outFeatures, this.inFeatures),
        tolerance,
        random: seededRandom('eigen', this.options.seed, this.name, weighting),
        ...(from !== undefined && { from })
      }
    )
  }

  async #computeEigen(weighting: Weighting): Promise<SymmetricEigen> {
    const found = await this.#search(weighting, TOLERANCE[this.#precision], await this.#start(weighting))
    return this.#precision === 'float64' ? found : this.#refine(weighting, found)
  }

  /** Solves the small problem once more with float64 products, which removes the rounding of the float32 ones. */
  async #refine(weighting: Weighting, { vectors: U }: SymmetricEigen): Promise<SymmetricEigen> {
    const { algebra, moment } = this
    const X = await algebra.gemm64(this.E, U, { transA: true }) // EᵀU [n, k]
    const KX = weighting === 'full' ? await algebra.gemm64(moment.H, X) : { ...X, data: X.data.slice() }
    if (weighting === 'diagonal') scaleRows(KX, moment.diagonal)
    const { values, vectors } = symmetricEigen(symmetrized(await algebra.gemm64(X, KX, { transA: true })))
    return { values, vectors: await algebra.gemm64(U, vectors) }
  }
}
