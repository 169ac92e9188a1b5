import type { Refinement } from '../../shared/refinement'
import type { LoraFactors } from '../methods/factors'
import { stateSize } from '../models/architecture'
import type { PreparedVariant } from '../prepare/preparedRun'
import { Comparison, type ComparisonOptions, keptFile, withoutAdapters } from './comparison'
import { FactorState, type RankOf } from './factorState'
import { type FirstGradient, rateOf } from './learningRate'
import type { RowBatch } from './refinedRows'
import { Shelf } from './shelf'
import type { AdaptersOf } from './student'
import { adapterOf } from './trainedFactors'
import { WalkedStates } from './walkedStates'

/** What a refinement works with. */
export interface RefinerOptions extends Omit<ComparisonOptions, 'quantizer'> {
  readonly variant: PreparedVariant
  readonly rankOf: RankOf
  /** ‖E‖² of each linear that has an adapter, by path. */
  readonly frobenius: ReadonlyMap<string, number>
}

/**
 * Refines one variant's adapter: Adam on KL(full precision ‖ quantized + adapter), mean over the predicting positions of a
 * few rows of the calibration set at a time.
 */
export class Refiner {
  private constructor(
    private readonly options: RefinerOptions,
    private readonly settings: Refinement,
    readonly comparison: Comparison,
    readonly factors: FactorState,
    /** States before each block, while a step is made. */
    private readonly states: WalkedStates
  ) {}

  static async open(options: RefinerOptions, settings: Refinement): Promise<Refiner> {
    const { prepared, variant, folder, budget, room } = options
    const { recipe, architecture } = prepared
    const stateBytes = 4 * architecture.blocks * settings.batch * recipe.context * stateSize(architecture)
    const shelf = await Shelf.create(keptFile(folder, 'states'), budget.take(stateBytes))
    const states = new WalkedStates(room, shelf)
    const factors = await FactorState.open(options, keptFile(folder, 'factors'))
    const comparison = await Comparison.open({ ...options, quantizer: variant.quantizer })
    return new Refiner(options, settings, comparison, factors, states)
  }

  /**
   * The gradient of step `step` (from 1 on) in the moments of the factors, which do not move; gives the share of it that is
   * done on the way.
   *
   * @returns null where the divergence is not finite: nothing was changed, and no step after it can help
   */
  async *learn(step: number): AsyncGenerator<number, FirstGradient | null> {
    const { rows, student, here } = this.comparison
    const batches = this.comparison.cut(rows.ofStep(step, this.settings.batch))
    try {
      const forward = student.forward(batches, this.#learning, here, this.states)
      const states = yield* shares(forward, (done) => done / (3 * this.#blocks))
      const compared = await this.#compare(batches, states)
      if (compared === null) return null
      const backward = student.backward(batches, this.#learning, compared.gradients, this.states, here)
      let slope = 0
      for await (const [block, found] of backward) {
        slope += await this.factors.learn(block, found)
        yield 1 - (2 * block) / (3 * this.#blocks)
      }
      return { divergence: compared.divergence, slope }
    } finally {
      this.states.leaveDevice()
    }
  }

  /** Step `step` along the moments, which have its gradient. */
  async move(step: number, learningRate: number): Promise<void> {
    const rate = rateOf(step, { ...this.settings, learningRate })
    for (let block = 0; block < this.#blocks; block++) await this.factors.move(block, { step, rate })
  }

  /** The divergence on the held-out rows of the factors as a file holds them or without an adapter; null where not finite. */
  heldOut(what: 'stored' | 'zero'): Promise<number | null> {
    return this.comparison.heldOut(what === 'zero' ? withoutAdapters : this.#stored)
  }

  /** The factors of a block as a file of the recipe's dtype holds them, by path of the linear. */
  stored(block: number): Promise<Map<string, LoraFactors>> {
    return this.factors.stored(block, this.options.prepared.recipe.factorDtype)
  }

  async release(): Promise<void> {
    await this.comparison.release()
    for (const shelf of [this.states, this.factors]) await shelf.close()
  }

  /** The divergence, mean over the predicting positions of the batches, with its gradients; null where it is not finite. */
  async #compare(batches: readonly RowBatch[], states: readonly Float32Array[]) {
    const positions = batches.reduce((sum, { predicting }) => sum + predicting.length, 0)
    const gradients: Float32Array[] = []
    let sum = 0
    for (const [i, batch] of batches.entries()) {
      const divergence = await this.comparison.compare(states[i] as Float32Array, batch)
      if (!Number.isFinite(divergence.sum)) return null
      sum += divergence.sum
      gradients.push((await divergence.gradient()).map((value) => value / positions))
    }
    return { divergence: sum / positions, gradients }
  }

  get #blocks(): number {
    return this.options.prepared.architecture.blocks
  }

  readonly #learning: AdaptersOf = (block) => this.factors.adapters(block)

  readonly #stored: AdaptersOf = async (block) => {
    const { prepared, variant } = this.options
    const prefix = `${prepared.architecture.blockPath(block)}.`
    const factors = [...(await this.stored(block))]
    return new Map(factors.map(([path, found]) => [path.slice(prefix.length), adapterOf(found, variant.scaling)]))
  }
}

/** Passes on what a generator gives in another measure. */
async function* shares<T>(from: AsyncGenerator<number, T>, share: (done: number) => number): AsyncGenerator<number, T> {
  for (;;) {
    const { done, value } = await from.next()
    if (done) return value
    yield share(value)
  }
}
