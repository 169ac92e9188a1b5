import { diagonalOf, LateMatrix, type Matrix32, type Matrix64, toFloat32 } from '../numerics/matrix'

/** H = (1 / tokens) Σ x xᵀ of one layer input, shared by every linear that reads this input; units of x². */
export class SecondMoment {
  readonly #rounded: LateMatrix
  #diagonal: Float64Array | undefined

  /** @param H - symmetric [in, in], float64; empty while another thread has it */
  constructor(public H: Matrix64) {
    this.#rounded = new LateMatrix(H.rows, H.cols, () => toFloat32(this.H).data)
  }

  /** H rounded to float32, for products on the device: the same matrix, as long as it may lie there. */
  get rounded(): Matrix32 {
    return this.#rounded
  }

  /** Lets go of its values, once the linears that read the input are solved. */
  forgetRounded(): void {
    this.#rounded.forget()
  }

  /** E[x_i²] of each input channel. */
  get diagonal(): Float64Array {
    this.#diagonal ??= diagonalOf(this.H)
    return this.#diagonal
  }
}
