/** Tells from the growth of a sum what it still lacks: steps shrink at least as fast as the last two did. */
export class Settling {
  #last: number | undefined
  #step: number | undefined

  constructor(private readonly tolerance: number) {}

  at(value: number): boolean {
    const step = this.#last === undefined ? value : Math.max(0, value - this.#last)
    const ratio = this.#step === undefined ? 1 : step / this.#step
    const remaining = ratio < 0.5 ? (step * ratio) / (1 - ratio) : step
    if (this.#last !== undefined) this.#step = step
    this.#last = value
    return remaining <= this.tolerance * value
  }
}
