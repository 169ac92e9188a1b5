/**
 * Adds up how much the linears of a block put out.
 *
 *     energy = (1 / tokens) Σ ‖W x‖² = tr(W H Wᵀ)
 *
 * The squares of a token are added up in float32 on the device, tokens in float64.
 */
export class OutputEnergies {
  readonly #sums = new Map<string, number>()
  #tokenCount = 0

  /**
   * @param energies - by linear, ‖W x‖² of each position of a batch
   * @param mask - 1 for each position that counts, 0 for the others
   */
  add(energies: ReadonlyMap<string, Float32Array>, mask: Float32Array): void {
    for (const [linear, values] of energies) {
      let sum = this.#sums.get(linear) ?? 0
      for (const [i, value] of values.entries()) if (mask[i] === 1) sum += value
      this.#sums.set(linear, sum)
    }
    for (const value of mask) this.#tokenCount += value
  }

  /** tr(W H Wᵀ) of a linear: its mean squared output over the tokens, summed over output channels. */
  of(linear: string): number {
    return (this.#sums.get(linear) ?? 0) / this.#tokenCount
  }
}
