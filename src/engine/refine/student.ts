import { outerLinears } from '../base/outerLinears'
import { giveBack } from '../graph/session'
import type { BlockRunner } from '../models/blockRunner'
import type { Adapter, BlockWeights } from '../models/blockWeights'
import { EmbeddingRunner } from '../models/embeddingRunner'
import type { PreparedRun } from '../prepare/preparedRun'
import type { QuantizedBlocks } from './quantizedBlocks'
import type { RowBatch } from './refinedRows'
import { WalkedStates } from './walkedStates'

/** The adapters of a block, by name of the linear; undefined where there are none. */
export type AdaptersOf = (block: number) => Promise<ReadonlyMap<string, Adapter> | undefined>

/** Gradients of a block's adapters, summed over the batches. */
export type AdapterGradients = Map<string, { readonly A: Float32Array; readonly B: Float32Array }>

/** The quantized model with adapters: forward block by block, and backward in reverse order. */
export class Student {
  private constructor(
    private readonly prepared: PreparedRun,
    private readonly runner: BlockRunner,
    private readonly embedding: EmbeddingRunner,
    private readonly blocks: QuantizedBlocks,
    private readonly room: number
  ) {}

  /**
   * @param quantizer - key of the base
   * @param room - bytes of the device's memory for hidden states
   */
  static async open(
    prepared: PreparedRun,
    quantizer: string,
    runner: BlockRunner,
    blocks: QuantizedBlocks,
    room = 0
  ): Promise<Student> {
    const { architecture, weights, recipe } = prepared
    const outer = outerLinears(prepared, quantizer)
    const embedding = await EmbeddingRunner.create(architecture, weights, recipe.context, recipe.device, outer)
    return new Student(prepared, runner, embedding, blocks, room)
  }

  /**
   * The states behind the last block of each batch; gives the blocks that are done on the way.
   *
   * @param here - awaited before each block of each batch; throws where the work is to stop
   * @param keep - where the states before each block are put, for `backward`: who gives it lets it leave the device
   */
  async *forward(
    batches: readonly RowBatch[],
    adaptersOf: AdaptersOf,
    here: () => Promise<void>,
    keep?: WalkedStates
  ): AsyncGenerator<number, Float32Array[]> {
    const { blocks } = this.prepared.architecture
    const walked = keep ?? new WalkedStates(this.room)
    const embedded: Float32Array[] = []
    for (const { ids, real } of batches) embedded.push(await this.embedding.run(ids, real))
    walked.begin(embedded, blocks)
    try {
      for (let block = 0; block < blocks; block++) {
        await this.#withBlock(block, adaptersOf, async (weights) => {
          for (const [i, { real }] of batches.entries()) {
            await here()
            await walked.through(block, i, block + 1 < blocks, (hidden, stays) =>
              this.runner.pass(block, hidden, real, weights, stays)
            )
          }
        })
        yield block + 1
      }
      return walked.behind
    } finally {
      if (keep === undefined) walked.leaveDevice()
    }
  }

  /**
   * Gradients of the adapters of every block, from the last to the first; each block's are given before those of the one
   * below are computed.
   *
   * @param gradients - of the states behind the last block, by batch; written to
   * @param kept - with the states that `forward` put there
   */
  async *backward(
    batches: readonly RowBatch[],
    adaptersOf: AdaptersOf,
    gradients: Float32Array[],
    kept: WalkedStates,
    here: () => Promise<void>
  ): AsyncGenerator<readonly [block: number, gradients: AdapterGradients]> {
    for (let block = this.prepared.architecture.blocks - 1; block >= 0; block--) {
      const sums: AdapterGradients = new Map()
      await this.#withBlock(block, adaptersOf, async (weights) => {
        for (const [i, { real }] of batches.entries()) {
          await here()
          const hidden = await kept.before(block, i)
          const { adapters } = await kept.back(i, gradients, (gradient, stays) =>
            this.runner.backward(block, hidden, gradient, real, weights, stays)
          )
          for (const [name, own] of adapters) addTo(sums, name, own)
        }
      })
      yield [block, sums]
    }
  }

  /** Does work with a block and its adapters where its batches take them. */
  async #withBlock(
    block: number,
    adaptersOf: AdaptersOf,
    work: (weights: BlockWeights) => Promise<void>
  ): Promise<void> {
    const weights = await this.blocks.weights(block)
    const carried = await this.runner.carriedAdapters({ ...weights, ...withAdapters(await adaptersOf(block)) })
    try {
      await work(carried)
    } finally {
      giveBack(Object.values(carried.adaptersThere ?? {}))
    }
  }

  async release(): Promise<void> {
    await this.embedding.release()
  }
}

/** A block without adapters has none, rather than an empty set of them. */
const withAdapters = (adapters: ReadonlyMap<string, Adapter> | undefined) =>
  adapters === undefined || adapters.size === 0 ? {} : { adapters }

function addTo(sums: AdapterGradients, name: string, own: { A: Float32Array; B: Float32Array }): void {
  const known = sums.get(name)
  if (known === undefined) {
    sums.set(name, own)
    return
  }
  for (let i = 0; i < own.A.length; i++) (known.A[i] as number) += own.A[i] as number
  for (let i = 0; i < own.B.length; i++) (known.B[i] as number) += own.B[i] as number
}
