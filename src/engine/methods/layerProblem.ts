import { AppError } from '../../shared/errors'
import type { Weighting } from '../../shared/methods'
import type { LinearAlgebra } from '../graph/linearAlgebra'
import type { Matrix32, Matrix64 } from '../numerics/matrix'
import {
  innerProduct,
  LateMatrix,
  scaleColumns,
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
import type { ErrorProducts } from './errorProducts'
import { orthonormalize } from './orthonormalize'
import type { OutputCurvature } from './outputCurvature'
import { ProductsHere } from './productsHere'
import { ProductsThere } from './productsThere'
import { projectRows } from './projectRows'
import type { SecondMoment } from './secondMoment'
import { squaredProduct } from './squaredProducts'
import { EigenSearch, type SearchOptions } from './topEigenpairs'

export interface LayerProblemOptions {
  /** The largest rank that will be asked for; eigenpairs are computed once for it. */
  readonly maxRank: number
  readonly seed: number
  /** What errors at the outputs count, for methods that ask. */
  readonly curvature?: OutputCurvature | undefined
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

/** `quailora` starts there: every search passes by its start, so that nothing depends on who asked first. */
const STARTED: Weighting = 'none'

/** Up to so many multiplications E · H, and all that is smaller, is made in float64: then a matter of milliseconds. */
const SMALL_PRODUCT = 2 ** 27

type Search = Pick<EigenSearch, 'until'>

/**
 * One quantized linear: its error E = W − Q [m, n] and the second moment H [n, n] of its input.
 *
 * Every method asks for leading eigenvectors of G = E K Eᵀ, with K = I, diag(H) or H; they are computed once and
 * shared by all variants. G is never formed when it is large: G · Y = E (K (Eᵀ Y)), whose products are all thin.
 */
export class LayerProblem {
  readonly #eigen = new Map<Weighting, Promise<SymmetricEigen>>()
  readonly #started = new Map<Weighting, Promise<SymmetricEigen>>()
  readonly #searches = new Map<Weighting, Search>()
  readonly #projections = new WeakMap<Matrix64, Promise<Matrix64>>()
  readonly #E32: Matrix32
  readonly #products: ErrorProducts
  #E64: Matrix64 | undefined
  #lossRank0: Promise<number> | undefined
  #frobeniusRank0: number | undefined
  #weighed: Promise<LayerProblem> | undefined

  constructor(
    readonly algebra: LinearAlgebra,
    readonly name: string,
    E: Matrix32 | Matrix64,
    readonly moment: SecondMoment,
    private readonly options: LayerProblemOptions
  ) {
    const isFloat32 = E instanceof LateMatrix || E.data instanceof Float32Array
    this.#E32 = isFloat32 ? (E as Matrix32) : toFloat32(E)
    const Products = algebra.isHere ? ProductsHere : ProductsThere
    this.#products = new Products(algebra, this.#E32, moment)
    if (!isFloat32) this.#E64 = E as Matrix64
  }

  get outFeatures(): number {
    return this.#E32.rows
  }

  get inFeatures(): number {
    return this.#E32.cols
  }

  /** E as it was given. */
  get E(): Matrix32 | Matrix64 {
    return this.#E64 ?? this.#E32
  }

  get seed(): number {
    return this.options.seed
  }

  get curvature(): OutputCurvature | undefined {
    return this.options.curvature
  }

  /** The problem of G^½E in the place of E, with G the outputs' curvature. */
  weighed(): Promise<LayerProblem> {
    this.#weighed ??= this.#weigh()
    return this.#weighed
  }

  async #weigh(): Promise<LayerProblem> {
    const { algebra, name, moment, curvature } = this
    if (curvature === undefined) throw new AppError('INTERNAL', `${name}: no curvature was measured`)
    const there = await curvature.weighThere(algebra, this.#E32)
    if (there !== undefined) return new WeighedThere(this, curvature, there, this.options)
    return new LayerProblem(algebra, name, await curvature.weigh(algebra, this.#E32), moment, this.options)
  }

  /** UᵀE [k, n] in float64, computed anew. */
  protected projected(U: Matrix64): Promise<Matrix64> {
    return projectRows(this.algebra, U, this.E)
  }

  get #precision(): 'float32' | 'float64' {
    return this.options.precision ?? 'float32'
  }

  /** tr(E H Eᵀ): the loss of the quantized linear without an adapter. */
  lossRank0(): Promise<number> {
    this.#lossRank0 ??= this.#energy()
    return this.#lossRank0
  }

  /** Whether products of the linear's size are made in float32 where their sums keep eight digits. */
  get inFloat32(): boolean {
    return this.#precision === 'float32' && this.outFeatures * this.inFeatures ** 2 > SMALL_PRODUCT
  }

  async #energy(): Promise<number> {
    if (this.inFloat32) return Math.max(0, await this.#products.energy())
    const E = toFloat64(this.E)
    return Math.max(0, innerProduct((await this.algebra.gemm64(E, this.moment.H)).data, E.data))
  }

  /** ‖E‖². */
  get frobeniusRank0(): number {
    this.#frobeniusRank0 ??= squaredNorm(this.E.data)
    return this.#frobeniusRank0
  }

  /** The size of E's entries: the root of their mean square. */
  get size(): number {
    return Math.sqrt(this.frobeniusRank0 / (this.outFeatures * this.inFeatures))
  }

  /** EᵀY [n, k] in float32 on the device, for Y [m, k]. */
  transposedTimes(Y: Matrix32): Promise<Matrix32> {
    return this.#products.transposedTimes(Y)
  }

  /** UᵀE [k, n] in float64, for U [m, k]. */
  project(U: Matrix64): Promise<Matrix64> {
    return remembered(this.#projections, U, () => this.projected(U))
  }

  /** G · Y = E K Eᵀ Y, for Y [m, k]. */
  async apply(weighting: Weighting, Y: Matrix64): Promise<Matrix64> {
    if (this.#precision === 'float64') return this.#apply64(weighting, Y)
    return this.#squared((X) => this.#products.amongOutputs(weighting, X), Y)
  }

  #squared(product: (Y: Matrix32) => Promise<Matrix32>, Y: Matrix64): Promise<Matrix64> {
    return squaredProduct(this.name, product, () => this.size, Y)
  }

  async #apply64(weighting: Weighting, Y: Matrix64): Promise<Matrix64> {
    const { algebra, moment } = this
    const E = toFloat64(this.E)
    let T = await algebra.gemm64(E, Y, { transA: true })
    if (weighting === 'diagonal') scaleRows(T, moment.diagonal)
    if (weighting === 'full') T = await algebra.gemm64(moment.H, T)
    return algebra.gemm64(E, T)
  }

  /** The largest eigenpairs of E K Eᵀ, at least `maxRank` where that many exist. */
  eigen(weighting: Weighting): Promise<SymmetricEigen> {
    return remembered(this.#eigen, weighting, () => this.#computeEigen(weighting))
  }

  /** The most that a correction of this rank can remove from the loss: Σ λᵢ(E H Eᵀ), i ≤ rank. */
  async exactGain(rank: number): Promise<number> {
    const { values } = await this.eigen('full')
    return values.subarray(0, rank).reduce((sum, value) => sum + Math.max(0, value), 0)
  }

  /** Orthonormal leading eigenvectors of E K Eᵀ, [m, min(rank, m)]. */
  async leading(weighting: Weighting, rank: number): Promise<Matrix64> {
    return firstColumns(await this.eigen(weighting), rank)
  }

  /** The same as far as an iteration that starts there needs them: Σ λᵢ still lacks up to a hundredth. */
  async roughlyLeading(weighting: Weighting, rank: number): Promise<Matrix64> {
    return firstColumns(await this.#rough(weighting), rank)
  }

  /** The largest eigenvalues of E K Eᵀ, descending, no better than for comparisons: their sum may lack a hundredth. */
  async roughEigenvalues(weighting: Weighting): Promise<Float64Array> {
    return (await this.#rough(weighting)).values
  }

  #rough(weighting: Weighting): Promise<SymmetricEigen> {
    return remembered(this.#started, weighting, () => this.#searchFor(weighting).until(START_TOLERANCE))
  }

  #searchFor(weighting: Weighting): Search {
    return remembered(this.#searches, weighting, () => this.#begin(weighting))
  }

  /** Where the smaller side is that of the inputs, and K has a square root for nothing, the search is among the inputs. */
  #begin(weighting: Weighting): Search {
    const options = {
      count: Math.min(this.options.maxRank, this.outFeatures, this.inFeatures),
      random: seededRandom(weighting === STARTED ? 'start' : 'eigen', this.options.seed, this.name, weighting)
    }
    if (this.inFloat32 && weighting !== 'full' && this.inFeatures < this.outFeatures) {
      return this.#amongInputs(weighting === 'diagonal' ? this.moment.diagonal.map(Math.sqrt) : undefined, options)
    }
    const operator = { size: this.outFeatures, apply: (Y: Matrix64) => this.apply(weighting, Y) }
    return new EigenSearch(this.algebra, operator, options)
  }

  /** The same by K^½ EᵀE K^½, which has the same eigenvalues: its eigenvectors V give U = E K^½ V, made orthonormal. */
  #amongInputs(roots: Float64Array | undefined, options: SearchOptions): Search {
    const { algebra } = this
    const products = this.#products
    const forward = (Y: Matrix32): Promise<Matrix32> => products.times(roots === undefined ? Y : scaleRows(Y, roots)) // E K^½ Y
    const apply = (Y: Matrix64): Promise<Matrix64> => this.#squared((X) => products.amongInputs(roots, X), Y)
    const search = new EigenSearch(algebra, { size: this.inFeatures, apply }, options)
    return {
      until: async (tolerance) => {
        const { values, vectors } = await search.until(tolerance)
        return { values, vectors: await orthonormalize(algebra, toFloat64(await forward(toFloat32(vectors)))) }
      }
    }
  }

  async #computeEigen(weighting: Weighting): Promise<SymmetricEigen> {
    if (weighting === STARTED) await this.#rough(weighting)
    const found = await this.#searchFor(weighting).until(TOLERANCE[this.#precision])
    this.#searches.delete(weighting)
    return this.#precision === 'float64' ? found : this.#refine(weighting, found)
  }

  /** Solves the small problem once more with float64 products, which removes the rounding of the float32 ones. */
  async #refine(weighting: Weighting, { vectors: U }: SymmetricEigen): Promise<SymmetricEigen> {
    const { algebra, moment } = this
    const X = await this.projected(U) // UᵀE [k, n]
    const XK = weighting === 'full' ? await algebra.gemm64(X, moment.H) : { ...X, data: X.data.slice() }
    if (weighting === 'diagonal') scaleColumns(XK, moment.diagonal)
    const { values, vectors: S } = symmetricEigen(symmetrized(await algebra.gemm64(XK, X, { transB: true })))
    const vectors = await algebra.gemm64(U, S)
    this.#projections.set(vectors, Promise.resolve(await algebra.gemm64(S, X, { transA: true })))
    return { values, vectors }
  }
}

/** The problem of a G^½E that lies on a device alone: float64 takes UᵀG^½E as (G^½U)ᵀE, which nothing was rounded in. */
class WeighedThere extends LayerProblem {
  constructor(
    private readonly plain: LayerProblem,
    private readonly root: OutputCurvature,
    weighed: Matrix32,
    options: LayerProblemOptions
  ) {
    super(plain.algebra, plain.name, weighed, plain.moment, options)
  }

  override get size(): number {
    return this.plain.size * this.root.size
  }

  protected override async projected(U: Matrix64): Promise<Matrix64> {
    return this.plain.project(await this.root.weigh64(this.algebra, U))
  }
}

/** What is known of a key, found out when it is first asked for. */
function remembered<Key, Value>(
  known: { get(key: Key): Value | undefined; set(key: Key, value: Value): unknown },
  key: Key,
  find: () => Value
): Value {
  const found = known.get(key) ?? find()
  known.set(key, found)
  return found
}

const firstColumns = ({ vectors }: SymmetricEigen, rank: number): Matrix64 =>
  rank >= vectors.cols ? vectors : sliceColumns(vectors, 0, rank)
