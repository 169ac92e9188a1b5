import type { Refinement } from '../../shared/refinement'
import type { LoraFactors } from '../methods/factors'
import { stateSize } from '../models/architecture'
import type { PreparedVariant } from '../prepare/preparedRun'
import { Comparison, type ComparisonOptions, keptFile, withoutAdapters } from './comparison'
import { FactorState, type RankOf } from './factorState'
import { rateOf } from './learningRate'
import { Shelf } from './shelf'
import type { AdaptersOf } from './student'
import { adapterOf } from './trainedFactors'

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
    private readonly settings: Required<Refinement>,
    readonly comparison: Comparison,
    readonly factors: FactorState,
    /** States before each block, while a step is made. */
    private readonly states: Shelf
  ) {}

  static async open(options: RefinerOptions, settings: Required<Refinement>): Promise<Refiner> {
    const { prepared, variant, folder, budget } = options
    const { recipe, architecture } = prepared
    const stateBytes = 4 * architecture.blocks * settings.batch * recipe.context * stateSize(architecture)
    const states = await Shelf.create(keptFile(folder, 'states'), budget.take(stateBytes))
    const factors = await FactorState.open(options, keptFile(folder, 'factors'))
    const comparison = await Comparison.open({ ...options, quantizer: variant.quantizer })
    return new Refiner(options, settings, comparison, factors, states)
  }

  /**
   * One step, the `step`-th, from 1 on; gives the share of it that is done on the way.
   *
   * @returns false where the divergence is not finite: nothing was changed, and no step after it can help
   */
  async *step(step: number): AsyncGenerator<number, boolean> {
    const { rows, student, end, here } = this.comparison
    const batches = this.comparison.cut(rows.ofStep(step, this.settings.batch))
    const forward = student.forward(batches, this.#learning, here, this.states)
    const states = yield* shares(forward, (done) => done / (3 * this.#blocks))
    const positions = batches.reduce((sum, { predicting }) => sum + predicting.length, 0)
    const gradients: Float32Array[] = []
    for (const [i, batch] of batches.entries()) {
      const divergence = await end.compare(states[i] as Float32Array, await this.comparison.teacher(batch), batch)
      if (!Number.isFinite(divergence.sum)) return false
      gradients.push((await divergence.gradient()).map((value) => value / positions))
    }
    const rate = rateOf(step, this.settings)
    const backward = student.backward(batches, this.#learning, gradients, this.states, here)
    for await (const [block, found] of backward) {
      await this.factors.learn(block, found, { step, rate })
      yield 1 - (2 * block) / (3 * this.#blocks)
    }
    return true
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
