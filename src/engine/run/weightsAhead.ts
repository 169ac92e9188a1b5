import type { ReadBlockWeights } from '../models/blockWeights'

interface Begun {
  readonly block: number
  readonly weights: Promise<ReadBlockWeights>
}

/** The weights of a block, read before it is its turn: while rows still go through the block before. */
export class WeightsAhead {
  #begun: Begun | undefined

  /** @param read - reads those of a block */
  constructor(private readonly read: (block: number) => Promise<ReadBlockWeights>) {}

  /** Begins to read those of a block. It takes their memory: those of the block before should have been let go. */
  begin(block: number): void {
    const weights = this.read(block)
    weights.catch(() => undefined) // it is thrown where they are taken
    this.#begun = { block, weights }
  }

  /** Those of a block, which are no longer kept here. @throws {AppError} what reading them throws */
  async take(block: number): Promise<ReadBlockWeights> {
    const begun = this.#begun
    this.#begun = undefined
    if (begun?.block === block) return begun.weights
    await begun?.weights.catch(() => undefined)
    return this.read(block)
  }

  /** Waits for what is being read, and lets go of it. */
  async release(): Promise<void> {
    await this.#begun?.weights.catch(() => undefined)
    this.#begun = undefined
  }
}
