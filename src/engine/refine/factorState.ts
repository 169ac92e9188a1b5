import { open } from 'node:fs/promises'
import { AppError } from '../../shared/errors'
import type { FactorDtype } from '../../shared/recipe'
import { fileError, readAll, type WrittenFile, writeChunksAtomic } from '../formats/files'
import type { LoraFactors } from '../methods/factors'
import type { Adapter } from '../models/blockWeights'
import type { PreparedLinear } from '../models/modelLinears'
import { bytesOf } from '../numerics/bytesOf'
import type { PreparedRun, PreparedVariant } from '../prepare/preparedRun'
import type { MemoryBudget } from './memoryBudget'
import { floatsOf, Shelf } from './shelf'
import type { AdapterGradients } from './student'
import { type AdamSettings, TrainedLinear } from './trainedFactors'

/** The factors that a variant's method found for the linears of a block, by path. */
type LayerStart = (block: number) => Promise<ReadonlyMap<string, LoraFactors>>

/** The rank of a linear's adapter. */
export type RankOf = (linear: PreparedLinear) => number

/** What the state of a variant's adapters is made of. */
interface FactorStateOptions {
  readonly prepared: PreparedRun
  readonly variant: PreparedVariant
  readonly rankOf: RankOf
  /** ‖E‖² of each linear that has an adapter, by path. */
  readonly frobenius: ReadonlyMap<string, number>
  readonly budget: MemoryBudget
}

/** The adapters of all blocks while they learn, with the moments of their gradients. */
export class FactorState {
  private constructor(
    private readonly options: FactorStateOptions,
    /** The linears with an adapter, by block. */
    private readonly linears: readonly (readonly PreparedLinear[])[],
    private readonly shelf: Shelf
  ) {}

  /** @param path - where it may lie if the budget does not hold it */
  static async open(options: FactorStateOptions, path: string): Promise<FactorState> {
    const { variant, rankOf, budget } = options
    const { architecture, linears } = options.prepared
    const targeted = linears.filter((linear) => variant.targets.has(linear.path))
    const floats = targeted.reduce((sum, linear) => sum + TrainedLinear.size(linear, rankOf(linear)), 0)
    const byBlock = Array.from({ length: architecture.blocks }, (_, block) =>
      targeted.filter((linear) => linear.block === block)
    )
    return new FactorState(options, byBlock, await Shelf.create(path, budget.take(4 * floats)))
  }

  /** Begins at these factors, with no moments. */
  async begin(start: LayerStart): Promise<void> {
    for (let block = 0; block < this.linears.length; block++) {
      const found = await start(block)
      const state = new Float32Array(this.#size(block))
      for (const trained of this.#trained(block, state)) trained.start(found.get(trained.linear.path) as LoraFactors)
      await this.shelf.put(block, bytesOf(state))
    }
  }

  /** The adapters of a block as they are now, by name of the linear. */
  async adapters(block: number): Promise<Map<string, Adapter>> {
    const trained = await this.#read(block)
    return new Map(trained.map(({ linear, adapter }) => [linear.name, adapter]))
  }

  /** The same as a file of the dtype would hold them, in PEFT's scale, by path of the linear. */
  async stored(block: number, dtype: FactorDtype): Promise<Map<string, LoraFactors>> {
    const trained = await this.#read(block)
    return new Map(trained.map((one) => [one.linear.path, one.stored(dtype)]))
  }

  /**
   * Takes the gradients of a block's adapters into their moments; nothing moves.
   *
   * @returns Σ c |g| over their entries, c being the typical size of each
   */
  async learn(block: number, gradients: AdapterGradients): Promise<number> {
    let slope = 0
    await this.#change(block, (trained) => {
      const gradient = gradients.get(trained.linear.name)
      if (gradient === undefined) throw new AppError('INTERNAL', `${trained.linear.path}: no gradient`)
      slope += trained.learn(gradient)
    })
    return slope
  }

  /** One step of Adam for the adapters of a block, whose moments have its gradient. */
  move(block: number, settings: AdamSettings): Promise<void> {
    return this.#change(block, (trained) => trained.move(settings))
  }

  /** Writes everything that `load` needs to go on to the same bytes. */
  async save(path: string): Promise<WrittenFile> {
    const { linears, shelf } = this
    return writeChunksAtomic(
      path,
      (async function* () {
        for (let block = 0; block < linears.length; block++) yield await shelf.get(block)
      })()
    )
  }

  /** @throws {AppError} IO where the file ends too early or cannot be read */
  async load(path: string): Promise<void> {
    const file = await open(path, 'r').catch((error: unknown) => {
      throw fileError(error, path)
    })
    try {
      let position = 0
      for (let block = 0; block < this.linears.length; block++) {
        const state = new Uint8Array(4 * this.#size(block))
        await readAll(file, state, position, path)
        await this.shelf.put(block, state)
        position += state.length
      }
    } finally {
      await file.close()
    }
  }

  async close(): Promise<void> {
    await this.shelf.close()
  }

  async #change(block: number, change: (trained: TrainedLinear) => void): Promise<void> {
    const state = floatsOf(await this.shelf.get(block))
    for (const trained of this.#trained(block, state)) change(trained)
    await this.shelf.put(block, bytesOf(state))
  }

  async #read(block: number): Promise<TrainedLinear[]> {
    return this.#trained(block, floatsOf(await this.shelf.get(block)))
  }

  /** The linears of a block over its state. */
  #trained(block: number, state: Float32Array): TrainedLinear[] {
    const { variant, rankOf, frobenius } = this.options
    let offset = 0
    return (this.linears[block] ?? []).map((linear) => {
      const rank = rankOf(linear)
      const size = TrainedLinear.size(linear, rank)
      const own = state.subarray(offset, offset + size)
      offset += size
      return new TrainedLinear(linear, variant.scaling, rank, frobenius.get(linear.path) ?? 0, own)
    })
  }

  #size(block: number): number {
    const { rankOf } = this.options
    return (this.linears[block] ?? []).reduce((sum, linear) => sum + TrainedLinear.size(linear, rankOf(linear)), 0)
  }
}
