/** Tells from the growth of a sum what it still lacks: steps of one size shrink at least as fast as the last two did. */
export class Settling {
  #last: number | undefined
  #step: number | undefined
  #ratio = 1
  /** What the sum lacks; undefined where nothing is known. */
  #remaining: number | undefined

  /** @param tolerance - what the sum may lack, relative to it */
  constructor(public tolerance: number) {}

  /** Whether the sum is settled at this value, which it reached by one more step. */
  at(value: number): boolean {
    const step = this.#last === undefined ? value : Math.max(0, value - this.#last)
    if (this.#step !== undefined) this.#ratio = step / this.#step
    if (this.#last !== undefined) this.#step = step
    this.#last = value
    const ratio = this.#ratio
    this.#remaining = ratio < 0.5 ? (step * ratio) / (1 - ratio) : step
    return this.settled
  }

  /** Whether the sum lacks no more than it may. */
  get settled(): boolean {
    return this.#remaining !== undefined && this.#remaining <= this.#wanted
  }

  /** The sum has this value after several steps at once. */
  leap(value: number): void {
    this.#last = value
    this.#step = undefined
    this.#remaining = undefined
  }

  /** Steps from here on do not shrink as those before did. */
  restart(): void {
    this.#step = undefined
    this.#ratio = 1
  }

  /** How many more steps will settle the sum, should they go on to shrink as they did; 1 where nothing is known. */
  get stepsLeft(): number {
    const [remaining, ratio] = [this.#remaining ?? 0, this.#ratio]
    return ratio < 1 && remaining > this.#wanted ? Math.log(this.#wanted / remaining) / Math.log(ratio) : 1
  }

  get #wanted(): number {
    return this.tolerance * (this.#last ?? 0)
  }
}
