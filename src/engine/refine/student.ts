import { outerLinears } from '../base/outerLinears'
import type { BlockRunner } from '../models/blockRunner'
import type { Adapter } from '../models/blockWeights'
import { EmbeddingRunner } from '../models/embeddingRunner'
import type { PreparedRun } from '../prepare/preparedRun'
import type { QuantizedBlocks } from './quantizedBlocks'
import type { RowBatch } from './refinedRows'
import { bytesOf, floatsOf, type Shelf } from './shelf'

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
    private readonly blocks: QuantizedBlocks
  ) {}

  /** @param quantizer - key of the base */
  static async open(
    prepared: PreparedRun,
    quantizer: string,
    runner: BlockRunner,
    blocks: QuantizedBlocks
  ): Promise<Student> {
    const { architecture, weights, recipe } = prepared
    const outer = outerLinears(prepared, quantizer)
    const embedding = await EmbeddingRunner.create(architecture, weights, recipe.context, recipe.device, outer)
    return new Student(prepared, runner, embedding, blocks)
  }

  /**
   * The states behind the last block of each batch; gives the blocks that are done on the way.
   *
   * @param here - awaited before each block of each batch; throws where the work is to stop
   * @param keep - where the states before each block are put, for `backward`
   */
  async *forward(
    batches: readonly RowBatch[],
    adaptersOf: AdaptersOf,
    here: () => Promise<void>,
    keep?: Shelf
  ): AsyncGenerator<number, Float32Array[]> {
    const states: Float32Array[] = []
    for (const { ids, real } of batches) states.push(await this.embedding.run(ids, real))
    for (let block = 0; block < this.prepared.architecture.blocks; block++) {
      const weights = await this.blocks.weights(block)
      const adapted = { ...weights, ...withAdapters(await adaptersOf(block)) }
      for (const [i, { real }] of batches.entries()) {
        await here()
        const hidden = states[i] as Float32Array
        await keep?.put(placeOf(block, i, batches), bytesOf(hidden))
        states[i] = await this.runner.forward(block, hidden, real, adapted)
      }
      yield block + 1
    }
    return states
  }

  /**
   * Gradients of the adapters of every block, from the last to the first; each block's are given before those of the one
   * below are computed.
   *
   * @param gradients - of the states behind the last block, by batch; written over
   * @param kept - the states that `forward` put there
   */
  async *backward(
    batches: readonly RowBatch[],
    adaptersOf: AdaptersOf,
    gradients: Float32Array[],
    kept: Shelf,
    here: () => Promise<void>
  ): AsyncGenerator<readonly [block: number, gradients: AdapterGradients]> {
    for (let block = this.prepared.architecture.blocks - 1; block >= 0; block--) {
      const weights = await this.blocks.weights(block)
      const adapted = { ...weights, ...withAdapters(await adaptersOf(block)) }
      const sums: AdapterGradients = new Map()
      for (const [i, { real }] of batches.entries()) {
        await here()
        const hidden = floatsOf(await kept.get(placeOf(block, i, batches)))
        const found = await this.runner.backward(block, hidden, gradients[i] as Float32Array, real, adapted)
        gradients[i] = found.hidden
        for (const [name, own] of found.adapters) addTo(sums, name, own)
      }
      yield [block, sums]
    }
  }

  async release(): Promise<void> {
    await this.embedding.release()
  }
}

const placeOf = (block: number, batch: number, batches: readonly RowBatch[]): number => block * batches.length + batch

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
