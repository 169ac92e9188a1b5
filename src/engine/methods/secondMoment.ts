import type { Matrix32, Matrix64 } from '../numerics/matrix'
import { diagonalOf, toFloat32 } from '../numerics/matrix'

/** H = (1 / tokens) Σ x xᵀ of one layer input, shared by every linear that reads this input; units of x². */
export class SecondMoment {
  #rounded: Matrix32 | undefined
  #diagonal: Float64Array | undefined

  /** @param H - symmetric [in, in], float64; empty while another thread has it */
  constructor(public H: Matrix64) {}

  /** H rounded to float32, for products on the device. */
  get rounded(): Matrix32 {
    this.#rounded ??= toFloat32(this.H)
    return this.#rounded
  }

  /** Lets go of that, once the linears that read the input are solved. */
  forgetRounded(): void {
    this.#rounded = undefined
  }

  /** E[x_i²] of each input channel. */
  get diagonal(): Float64Array {
    this.#diagonal ??= diagonalOf(this.H)
    return this.#diagonal
  }
}
