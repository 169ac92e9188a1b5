import { heldOutRows } from '../../shared/refinement'
import { nextTokens, predictingRows } from '../calibration/nextTokens'
import { realTokens, type TokenRows } from '../calibration/rows'
import { seededRandom } from '../numerics/random'

/** Rows of the calibration set that are computed together. */
export interface RowBatch {
  /** Their numbers in the set. */
  readonly rows: readonly number[]
  /** [rows · context] */
  readonly ids: Int32Array
  /** [rows · context], 1 for tokens and 0 for the pads behind them. */
  readonly real: Float32Array
  /** The positions that predict a token that counts, ascending. */
  readonly predicting: Int32Array
}

/** The calibration rows of a refinement: those that it learns from, and those that are held out. */
export class RefinedRows {
  readonly #targets: Int32Array
  readonly training: readonly number[]
  /** Evenly spaced, so that each text of the set has its share. */
  readonly heldOut: readonly number[]

  constructor(
    private readonly rows: TokenRows,
    private readonly seed: number
  ) {
    this.#targets = nextTokens(rows)
    const usable = predictingRows(rows)
    const count = heldOutRows(usable.length)
    this.heldOut = Array.from(
      { length: count },
      (_, i) => usable[Math.floor(((i + 0.5) * usable.length) / count)] as number
    )
    this.training = usable.filter((row) => !this.heldOut.includes(row))
  }

  /** Predicted tokens of these rows. */
  tokens(rows: readonly number[]): number {
    return this.cut(rows, rows.length).reduce((sum, { predicting }) => sum + predicting.length, 0)
  }

  /** The rows of step `step` (from 1 on): all training rows in random order, then all again in another one. */
  ofStep(step: number, batch: number): number[] {
    const { training } = this
    const size = Math.min(batch, training.length)
    const first = (step - 1) * size
    return Array.from({ length: size }, (_, i) => {
      const sweep = Math.floor((first + i) / training.length)
      return this.#order(sweep)[(first + i) % training.length] as number
    })
  }

  /** Batches of at most `largest` rows. */
  cut(rows: readonly number[], largest: number): RowBatch[] {
    const batches: RowBatch[] = []
    for (let first = 0; first < rows.length; first += largest)
      batches.push(this.#batch(rows.slice(first, first + largest)))
    return batches
  }

  #batch(rows: readonly number[]): RowBatch {
    const { context, ids } = this.rows
    const own = new Int32Array(rows.length * context)
    const real = new Float32Array(own.length)
    const predicting: number[] = []
    for (const [i, row] of rows.entries()) {
      own.set(ids.subarray(row * context, (row + 1) * context), i * context)
      real.set(realTokens(this.rows, row, row + 1), i * context)
      for (let at = 0; at < context; at++)
        if ((this.#targets[row * context + at] as number) >= 0) predicting.push(i * context + at)
    }
    return { rows, ids: own, real, predicting: Int32Array.from(predicting) }
  }

  /** The training rows in the order of a sweep (Fisher and Yates). */
  #order(sweep: number): number[] {
    const random = seededRandom('refinement', this.seed, sweep)
    const order = [...this.training]
    for (let i = order.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1))
      ;[order[i], order[j]] = [order[j] as number, order[i] as number]
    }
    return order
  }
}
