import type { DeviceName } from '../../shared/recipe'
import { type Feeds, GraphSession, type Tensor } from '../graph/session'
import type { ModelArchitecture } from './architecture'
import type { LinearSpec } from './layerBuilder'
import { type BlockGraph, blockGraph } from './modelGraphs'
import { type ModelWeights, storedShape } from './modelWeights'

/** One block's tensors as float32, by name relative to the block. */
export interface BlockWeights {
  /** Weights of the linears, [out, in]. */
  readonly linears: ReadonlyMap<string, Float32Array>
  /** Everything else, as graph inputs. */
  readonly parameters: Feeds
}

/** A part of a Gram matrix: rows from `begin` on of Σ x xᵀ over the batch's tokens. */
export interface GramRows {
  readonly input: number
  readonly begin: number
  readonly data: Float32Array
}

/**
 * Computes blocks on a device. Blocks of the same shape share one compiled graph; weights are fed, so any weights can be
 * put in their place (full precision, quantized, quantized plus adapter).
 */
export class BlockRunner {
  readonly #graphs = new Map<string, BlockGraph>()
  readonly #sessions = new Map<string, GraphSession>()

  constructor(
    private readonly architecture: ModelArchitecture,
    readonly context: number,
    private readonly device: DeviceName
  ) {}

  /** The linears of a block, in order of execution. */
  linears(index: number): readonly LinearSpec[] {
    return this.#graph(index, false).linears
  }

  /** Features of each distinct input of the block's linears. */
  inputs(index: number): readonly number[] {
    return this.#graph(index, false).inputs
  }

  /** Every tensor that a block reads, by name relative to the block. */
  tensors(index: number): readonly { readonly name: string; readonly shape: readonly number[] }[] {
    const { linears, parameters } = this.#graph(index, false)
    const weights = linears.map((linear) => ({ name: `${linear.name}.weight`, shape: storedShape(linear) }))
    return [...weights, ...parameters]
  }

  /** Reads a block's tensors from the checkpoint. */
  async readWeights(weights: ModelWeights, index: number): Promise<BlockWeights> {
    const graph = this.#graph(index, false)
    const path = this.architecture.blockPath(index)
    const linears = new Map<string, Float32Array>()
    for (const linear of graph.linears) {
      linears.set(linear.name, await weights.readLinear(`${path}.${linear.name}`, linear))
    }
    const parameters: Record<string, Tensor> = {}
    for (const { name, shape } of graph.parameters) {
      parameters[name] = { data: await weights.read(`${path}.${name}`, shape), shape }
    }
    return { linears, parameters }
  }

  /** Next hidden states of a batch, [tokens, hidden]. */
  async forward(index: number, hidden: Float32Array, weights: BlockWeights): Promise<Float32Array> {
    const graph = this.#graph(index, false)
    const { next } = await (await this.#session(graph)).run(this.#feeds(graph, hidden, weights))
    return next?.data as Float32Array
  }

  /**
   * The same, and the Gram matrix of every distinct input of the block's linears.
   *
   * @param mask - [tokens], 1 for tokens and 0 for padding
   */
  async forwardWithGrams(
    index: number,
    hidden: Float32Array,
    mask: Float32Array,
    weights: BlockWeights
  ): Promise<{ next: Float32Array; grams: GramRows[] }> {
    const graph = this.#graph(index, true)
    const feeds = { ...this.#feeds(graph, hidden, weights), mask: { data: mask, shape: [mask.length, 1] } }
    const outputs = await (await this.#session(graph)).run(feeds)
    const grams = graph.grams.map(({ output, input, begin }) => ({
      input,
      begin,
      data: outputs[output]?.data as Float32Array
    }))
    return { next: outputs.next?.data as Float32Array, grams }
  }

  async release(): Promise<void> {
    for (const session of this.#sessions.values()) await session.release()
    this.#sessions.clear()
  }

  #feeds(graph: BlockGraph, hidden: Float32Array, weights: BlockWeights): Feeds {
    const { hiddenSize } = this.architecture
    const linears = graph.linears.map(({ name, outFeatures, inFeatures }) => [
      `${name}.weight`,
      { data: weights.linears.get(name), shape: [outFeatures, inFeatures] }
    ])
    const states = { data: hidden, shape: [hidden.length / hiddenSize, hiddenSize] }
    return { ...Object.fromEntries(linears), ...weights.parameters, hidden: states }
  }

  #graph(index: number, grams: boolean): BlockGraph {
    const key = `${index} ${grams}`
    const known = this.#graphs.get(key)
    if (known !== undefined) return known
    const built = blockGraph(this.architecture, index, this.context, grams)
    // Blocks that are built alike share one description, and with it one compiled session.
    const twin = [...this.#graphs.values()].find((graph) => Buffer.compare(graph.model, built.model) === 0)
    this.#graphs.set(key, twin ?? built)
    return twin ?? built
  }

  async #session(graph: BlockGraph): Promise<GraphSession> {
    const key = [...this.#graphs].find(([, value]) => value === graph)?.[0] as string
    const known = this.#sessions.get(key)
    if (known !== undefined) return known
    const session = await GraphSession.create(graph.model, this.device)
    this.#sessions.set(key, session)
    return session
  }
}
