import type { Weighting } from '../../shared/methods'
import type { LinearAlgebra } from '../graph/linearAlgebra'
import { type Matrix32, scaleRows, transposed } from '../numerics/matrix'
import { energy } from './energy'
import type { ErrorProducts } from './errorProducts'
import type { SecondMoment } from './secondMoment'

/** On the processor, each by itself. */
export class ProductsHere implements ErrorProducts {
  #Et: Matrix32 | undefined

  constructor(
    private readonly algebra: LinearAlgebra,
    private readonly E: Matrix32,
    private readonly moment: SecondMoment
  ) {}

  /** Eᵀ: products with it are made faster than such with E transposed. */
  get #transposed(): Matrix32 {
    this.#Et ??= transposed(this.E)
    return this.#Et
  }

  times(Y: Matrix32): Promise<Matrix32> {
    return this.algebra.gemm32(this.E, Y)
  }

  transposedTimes(Y: Matrix32): Promise<Matrix32> {
    return this.algebra.gemm32(this.#transposed, Y)
  }

  async amongOutputs(weighting: Weighting, Y: Matrix32): Promise<Matrix32> {
    let T = await this.transposedTimes(Y)
    if (weighting === 'diagonal') scaleRows(T, this.moment.diagonal)
    if (weighting === 'full') T = await this.algebra.gemm32(this.moment.rounded, T)
    return this.times(T)
  }

  /** Y is scaled in its place. */
  async amongInputs(roots: Float64Array | undefined, Y: Matrix32): Promise<Matrix32> {
    const weighted = (X: Matrix32): Matrix32 => (roots === undefined ? X : scaleRows(X, roots))
    return weighted(await this.transposedTimes(await this.times(weighted(Y))))
  }

  energy(): Promise<number> {
    return energy(this.algebra, this.#transposed, this.moment)
  }
}
