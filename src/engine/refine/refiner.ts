import { join } from 'node:path'
import type { Refinement } from '../../shared/refinement'
import { stopHere } from '../graph/stopHere'
import type { LoraFactors } from '../methods/factors'
import type { BlockRunner } from '../models/blockRunner'
import { type PreparedRun, type PreparedVariant, specOf } from '../prepare/preparedRun'
import { batchRows } from '../prepare/streamShapes'
import { FactorState } from './factorState'
import { rateOf } from './learningRate'
import type { MemoryBudget } from './memoryBudget'
import { ModelEnd } from './modelEnd'
import { QuantizedBlocks } from './quantizedBlocks'
import { RefinedRows, type RowBatch } from './refinedRows'
import { Shelf } from './shelf'
import { type AdaptersOf, Student } from './student'
import { adapterOf } from './trainedFactors'

/** States behind the last block of full precision, of positions [begin, end) of the calibration rows. */
export type ReadTeacher = (begin: number, end: number) => Promise<Float32Array>

/** What a refinement works with. */
export interface RefinerOptions {
  readonly prepared: PreparedRun
  readonly variant: PreparedVariant
  readonly runner: BlockRunner
  readonly teacher: ReadTeacher
  /** ‖E‖² of each linear that has an adapter, by path. */
  readonly frobenius: ReadonlyMap<string, number>
  /** Where it may keep what does not fit into memory. */
  readonly folder: string
  readonly budget: MemoryBudget
  readonly signal: AbortSignal
}

/**
 * Refines one variant's adapter: Adam on KL(full precision ‖ quantized + adapter), mean over the predicting positions of a
 * few rows of the calibration set at a time. One block's weights are in memory at a time; Q never changes.
 */
export class Refiner {
  private constructor(
    private readonly options: RefinerOptions,
    private readonly settings: Required<Refinement>,
    readonly rows: RefinedRows,
    readonly factors: FactorState,
    private readonly blocks: QuantizedBlocks,
    private readonly student: Student,
    private readonly end: ModelEnd,
    /** States before each block, while a step is made. */
    private readonly states: Shelf
  ) {}

  static async open(options: RefinerOptions, settings: Required<Refinement>): Promise<Refiner> {
    const { prepared, variant, runner, frobenius, folder, budget } = options
    const { recipe, architecture, calibration } = prepared
    const rows = new RefinedRows(calibration, recipe.seed)
    const file = (what: string): string => join(folder, `refine.${what}.tmp`)
    const stateBytes = 4 * architecture.blocks * settings.batch * recipe.context * architecture.hiddenSize
    const states = await Shelf.create(file('states'), budget.take(stateBytes))
    const factors = await FactorState.open(prepared, variant, frobenius, file('factors'), budget)
    const spec = specOf(prepared, variant.quantizer)
    const blocks = await QuantizedBlocks.open(prepared, spec, file('codes'), budget)
    const student = await Student.open(prepared, variant.quantizer, runner, blocks)
    const end = await ModelEnd.open(prepared, variant.quantizer)
    return new Refiner(options, settings, rows, factors, blocks, student, end, states)
  }

  /**
   * One step, the `step`-th, from 1 on; gives the share of it that is done on the way.
   *
   * @returns false where the divergence is not finite: nothing was changed, and no step after it can help
   */
  async *step(step: number): AsyncGenerator<number, boolean> {
    const batches = this.#cut(this.rows.ofStep(step, this.settings.batch))
    const forward = this.student.forward(batches, this.#learning, this.#here, this.states)
    const states = yield* shares(forward, (done) => done / (3 * this.#blocks))
    const positions = batches.reduce((sum, { predicting }) => sum + predicting.length, 0)
    const gradients: Float32Array[] = []
    for (const [i, batch] of batches.entries()) {
      const divergence = await this.end.compare(states[i] as Float32Array, await this.#teacher(batch), batch)
      if (!Number.isFinite(divergence.sum)) return false
      gradients.push((await divergence.gradient()).map((value) => value / positions))
    }
    const rate = rateOf(step, this.settings)
    const backward = this.student.backward(batches, this.#learning, gradients, this.states, this.#here)
    for await (const [block, found] of backward) {
      await this.factors.learn(block, found, { step, rate })
      yield 1 - (2 * block) / (3 * this.#blocks)
    }
    return true
  }

  /**
   * The divergence on the held-out rows, mean over their predicting positions, of the factors as a file holds them or
   * without an adapter; null where it is not finite.
   */
  async heldOut(what: 'stored' | 'zero'): Promise<number | null> {
    const batches = this.#cut(this.rows.heldOut)
    const adapters: AdaptersOf = what === 'zero' ? async () => undefined : this.#stored
    const states = await resultOf(this.student.forward(batches, adapters, this.#here))
    let sum = 0
    let positions = 0
    for (const [i, batch] of batches.entries()) {
      await this.#here()
      sum += await this.end.divergence(states[i] as Float32Array, await this.#teacher(batch), batch)
      positions += batch.predicting.length
    }
    return Number.isFinite(sum) ? sum / positions : null
  }

  /** The factors of a block as a file of the recipe's dtype holds them, by path of the linear. */
  stored(block: number): Promise<Map<string, LoraFactors>> {
    return this.factors.stored(block, this.options.prepared.recipe.factorDtype)
  }

  async release(): Promise<void> {
    await this.student.release()
    await this.end.release()
    for (const shelf of [this.states, this.factors, this.blocks]) await shelf.close()
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

  readonly #here = (): Promise<void> => stopHere(this.options.signal)

  #cut(rows: readonly number[]): RowBatch[] {
    return this.rows.cut(rows, batchRows(this.options.prepared.recipe.context))
  }

  async #teacher({ rows }: RowBatch): Promise<Float32Array> {
    const { recipe, architecture } = this.options.prepared
    const size = recipe.context * architecture.hiddenSize
    const states = new Float32Array(rows.length * size)
    for (const [i, row] of rows.entries()) {
      states.set(await this.options.teacher(row * recipe.context, (row + 1) * recipe.context), i * size)
    }
    return states
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

/** What a generator ends with, whatever it gives on the way. */
async function resultOf<T>(work: AsyncGenerator<unknown, T>): Promise<T> {
  for (;;) {
    const { done, value } = await work.next()
    if (done) return value
  }
}
