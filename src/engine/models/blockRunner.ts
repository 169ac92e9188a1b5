import type { DeviceName } from '../../shared/recipe'
import { DeviceMemory } from '../graph/deviceMemory'
import { DeviceTensor, type Feeds, giveBack, type Tensor, type Tensors } from '../graph/session'
import { type ModelArchitecture, stateSize } from './architecture'
import { BlockExperts, type BlockOutputs } from './blockExperts'
import { BEFORE, BlockGraphs } from './blockGraphs'
import type { Adapter, BlockWeights } from './blockWeights'
import { expertGraph } from './expertGraphs'
import { ExpertRunner } from './expertRunner'
import { ExpertsThere } from './expertsThere'
import type { GramSum, GramTile } from './gramTiles'
import { addedFeeds, HostGrams } from './hostGrams'
import { type BlockGraph, energyOutput } from './modelGraphs'
import { PackedUploads } from './packedUploads'
import { ResidentGrams } from './residentGrams'
import { ResidentWeights } from './residentWeights'

/** A tile of the upper triangle of a Gram matrix Σ x xᵀ over the batch's tokens, with its values by rows. */
export interface GramPart extends GramTile {
  readonly data: Float32Array
}

/** What a batch adds to the statistics of a block's linears. */
export interface BlockStatistics {
  readonly grams: readonly GramPart[]
  /** By linear, ‖W x‖² of each token, [tokens]. */
  readonly energies: ReadonlyMap<string, Float32Array>
}

/** Hidden states of a batch, [tokens, state], as blocks take them: here, or on the device of the runner. */
export type BatchStates = Float32Array | DeviceTensor

/** Hidden states of a batch behind a block, and the same on the device where they were to stay: the caller's to give back. */
export interface NextStates {
  readonly next: Float32Array
  readonly there?: DeviceTensor
}

/** Where gradients at hidden states are: here, unless they were to stay on the device, where they are the caller's to give back. */
type GradientStates<Stays extends boolean> = Stays extends false ? Float32Array : BatchStates

/** Gradients of a loss with respect to what a block takes, each in the layout of what it belongs to. */
export interface BlockGradients<Stays extends boolean = false> {
  readonly hidden: GradientStates<Stays>
  /** By linear, of A [rank, in] and of B [out, rank], which holds the scaling. */
  readonly adapters: ReadonlyMap<string, { readonly A: Float32Array; readonly B: Float32Array }>
}

/**
 * Computes blocks on a device. Blocks of the same shape share one compiled graph; weights are fed, so any weights can be
 * put in their place (full precision, quantized, quantized plus adapter).
 */
export class BlockRunner {
  readonly #graphs: BlockGraphs
  /** Of the device that it computes on: for what others make there for it. */
  readonly memory: DeviceMemory
  /** Carries weights there. */
  readonly uploads: PackedUploads
  readonly #expertRunner: ExpertRunner
  readonly #experts: BlockExperts
  readonly #resident: ResidentWeights
  readonly #sums: ResidentGrams
  readonly #hostSums = new HostGrams()

  /**
   * @param tensorLimit - as `BlockGraphs` takes it
   * @param expertRoom - bytes of the device's memory that experts may take
   */
  constructor(
    private readonly architecture: ModelArchitecture,
    context: number,
    device: DeviceName,
    tensorLimit?: number,
    expertRoom = 0
  ) {
    this.#graphs = new BlockGraphs(architecture, context, device, tensorLimit)
    this.memory = new DeviceMemory(device)
    this.uploads = new PackedUploads(this.memory)
    this.#expertRunner = new ExpertRunner(this.memory, new ExpertsThere(this.uploads, expertRoom))
    this.#experts = new BlockExperts(this.#graphs, this.memory, this.#expertRunner)
    this.#resident = new ResidentWeights(this.uploads)
    this.#sums = new ResidentGrams(device)
  }

  /** Whether weights are carried as their bits, where they have 16 each: then they are read with these. */
  get takesBits(): boolean {
    return this.memory.keepsTensors
  }

  /**
   * Next hidden states of a batch, [tokens, hidden].
   *
   * @param real - [tokens], 1 for tokens and 0 for the pads behind them
   */
  async forward(index: number, hidden: BatchStates, real: Float32Array, weights: BlockWeights): Promise<Float32Array> {
    return (await this.advance(index, hidden, real, weights)).next
  }

  /**
   * The same, with the next states on the device too where they are to stay there: a device that keeps no tensors has no place
   * for them.
   *
   * @param stays - whether they are to stay
   */
  async advance(
    index: number,
    hidden: BatchStates,
    real: Float32Array,
    weights: BlockWeights,
    stays = false
  ): Promise<NextStates> {
    const next = await this.pass(index, hidden, real, weights, stays)
    return next instanceof DeviceTensor ? this.#read(next) : { next }
  }

  /** The same, with the next states on the device alone where they are to stay and can: the caller's to give back. */
  async pass(
    index: number,
    hidden: BatchStates,
    real: Float32Array,
    weights: BlockWeights,
    stays: boolean
  ): Promise<BatchStates> {
    const graph = this.#graphs.of(index, weights)
    const made: (Tensor | DeviceTensor)[] = []
    try {
      const own = await this.#feeds(graph, hidden, weights, real)
      const feeds = { ...own, ...(await this.#experts.within(graph, own, weights, made))?.feeds }
      const left = this.#experts.left(graph, weights, stays)
      const outputs = await (await this.#graphs.session(graph, left)).keep(feeds)
      return await this.#experts.finished(graph, outputs, weights, stays)
    } finally {
      giveBack(made)
    }
  }

  /**
   * The same in full precision, and the Gram matrices of the distinct inputs of the block's linears with what these make of
   * them.
   *
   * @param mask - [tokens], 1 for tokens and 0 for padding
   * @param more - whether another batch with these weights follows: the Gram matrices of this one may come with those of that
   * @param stays - as for `advance`
   */
  async forwardWithGrams(
    index: number,
    hidden: BatchStates,
    mask: Float32Array,
    weights: BlockWeights,
    more = false,
    stays = false
  ): Promise<BlockStatistics & NextStates> {
    const graph = this.#graphs.plain(index, this.#gramSum)
    const left = this.#experts.left(graph, weights, stays)
    const { outputs, ...found } = await this.#withGrams(graph, hidden, mask, weights, more, left)
    const next = await this.#experts.finished(graph, outputs, weights, stays)
    return { ...(next instanceof DeviceTensor ? await this.#read(next) : { next }), ...found }
  }

  /** The Gram matrices alone: nobody takes the next states, so that they do not come back, nor are experts added to them. */
  async grams(
    index: number,
    hidden: BatchStates,
    mask: Float32Array,
    weights: BlockWeights,
    more = false
  ): Promise<readonly GramPart[]> {
    const graph = this.#graphs.plain(index, this.#gramSum)
    const left = this.#experts.left(graph, weights, true)
    const { grams, outputs } = await this.#withGrams(graph, hidden, mask, weights, more, left)
    giveBack(Object.values(outputs.there))
    return grams
  }

  /**
   * The gradient of a loss with respect to a batch's hidden states and the adapters of the block, which is computed anew
   * from the same hidden states.
   *
   * @param gradient - ∂L/∂(next hidden states), [tokens, hidden]; zero at pads
   * @param real - as for `forward`
   * @param stays - whether the gradient at the hidden states is to stay on the device, if that keeps tensors
   */
  async backward<Stays extends boolean = false>(
    index: number,
    hidden: BatchStates,
    gradient: BatchStates,
    real: Float32Array,
    weights: BlockWeights,
    stays?: Stays
  ): Promise<BlockGradients<Stays>> {
    const graph = this.#graphs.backward(index, weights)
    const feeds = await this.#feeds(graph, hidden, weights, real)
    const { outputs, hidden: before } = await this.#back(index, graph, feeds, gradient, weights, stays)
    const of = (name: string): Float32Array => outputs[`gradient.${name}`]?.data as Float32Array
    const adapters = new Map(
      [...(weights.adapters?.keys() ?? [])].map((name) => [name, { A: of(`${name}.lora_A`), B: of(`${name}.lora_B`) }])
    )
    return { hidden: before as GradientStates<Stays>, adapters }
  }

  /**
   * The same in full precision, and the Gram matrices Σ g gᵀ of the gradients at the outputs of the block's linears: `input` of
   * a part is the linear's place among them.
   */
  async curvature<Stays extends boolean = false>(
    index: number,
    hidden: BatchStates,
    gradient: BatchStates,
    real: Float32Array,
    weights: BlockWeights,
    stays?: Stays
  ): Promise<{ readonly hidden: GradientStates<Stays>; readonly grams: readonly GramPart[] }> {
    const graph = this.#graphs.curvature(index)
    const feeds = await this.#feeds(graph, hidden, weights, real)
    const { outputs, hidden: before } = await this.#back(index, graph, feeds, gradient, weights, stays)
    const grams = graph.grams.map((tile) => ({ ...tile, data: outputs[tile.output]?.data as Float32Array }))
    return { hidden: before as GradientStates<Stays>, grams }
  }

  /**
   * A block's weights where its batches take them: on a device that keeps tensors, to which each is carried once.
   *
   * @returns weights of which those on the device are the caller's to give back
   * @throws {AppError} DEVICE with the library's reason when the device fails
   */
  async carried(index: number, weights: BlockWeights): Promise<BlockWeights> {
    const { bits: _, ...own } = weights
    return { ...own, linears: await this.#resident.carried(this.#graphs.plain(index).linears, weights) }
  }

  /**
   * A block's adapters where several batches take them: on a device that keeps tensors, to which each is carried once.
   *
   * @returns weights of which `adaptersThere` are the caller's to give back
   * @throws {AppError} DEVICE with the library's reason when the device fails
   */
  async carriedAdapters(weights: BlockWeights): Promise<BlockWeights> {
    if (weights.adapters === undefined || !this.memory.keepsTensors) return weights
    const there: Record<string, DeviceTensor> = {}
    try {
      for (const [name, matrix] of Object.entries(adapterFeeds(weights))) {
        const lies = matrix instanceof DeviceTensor ? matrix : await this.memory.upload(matrix)
        if (lies instanceof DeviceTensor) there[name] = lies
      }
      return { ...weights, adaptersThere: there }
    } catch (error) {
      giveBack(Object.values(there))
      throw error
    }
  }

  /** All that decides what `forwardWithGrams` makes of the states and weights of a block, but them. */
  calibrationGraphs(index: number): readonly Uint8Array[] {
    const { model, within, experts } = this.#graphs.plain(index, this.#gramSum)
    const routing = within === undefined ? [] : [within.routing.model]
    return [model, ...routing, ...(experts === undefined ? [] : [expertGraph(experts)])]
  }

  async release(): Promise<void> {
    await this.#graphs.release()
    await this.#expertRunner.release()
    this.#resident.release()
    await this.#sums.release()
    await this.uploads.release()
    await this.memory.release()
  }

  /** @param left - what stays on the device beside Gram matrices */
  async #withGrams(
    graph: BlockGraph,
    hidden: BatchStates,
    mask: Float32Array,
    weights: BlockWeights,
    more: boolean,
    left: readonly string[]
  ) {
    const made: (Tensor | DeviceTensor)[] = []
    try {
      const own = { ...(await this.#feeds(graph, hidden, weights)), mask: column(mask) }
      const feeds = { ...own, ...(await this.#experts.within(graph, own, weights, made))?.feeds }
      const { sums, ...outputs } = await this.#added(graph, feeds, weights, more, left)
      const grams =
        sums === undefined
          ? []
          : graph.grams.map((tile) => ({ ...tile, data: sums[tile.output]?.data as Float32Array }))
      const energies = new Map(
        graph.linears.map(({ name }) => [name, outputs.here[energyOutput(name)]?.data as Float32Array])
      )
      return { outputs, grams, energies }
    } finally {
      giveBack(made)
    }
  }

  /** What a graph with Gram matrices gives, and the sums of these, where a device adds them up, when they are due. */
  async #added(
    graph: BlockGraph,
    feeds: Feeds,
    { linears }: BlockWeights,
    more: boolean,
    left: readonly string[]
  ): Promise<BlockOutputs & { readonly sums: Tensors | undefined }> {
    if (!this.#sums.keepsTensors) {
      const sums = this.#hostSums.sumsOf(graph.grams, linears)
      const here = await (await this.#graphs.session(graph)).run({ ...feeds, ...addedFeeds(sums) }, sums)
      return { here, there: {}, sums: this.#hostSums.take(more) }
    }
    const names = graph.grams.map(({ output }) => output)
    const { here, there } = await (await this.#graphs.session(graph, [...names, ...left])).keep(feeds)
    const others = Object.fromEntries(left.map((name) => [name, there[name] as DeviceTensor]))
    try {
      const tiles = Object.fromEntries(names.map((name) => [name, there[name] as DeviceTensor]))
      return { here, there: others, sums: await this.#sums.add(linears, tiles, more) }
    } catch (error) {
      giveBack(Object.values(others))
      throw error
    }
  }

  /** Next states that lie on the device, with their values. */
  async #read(there: DeviceTensor): Promise<NextStates> {
    try {
      return { next: (await this.memory.read(there)).data as Float32Array, there }
    } catch (error) {
      giveBack([there])
      throw error
    }
  }

  /** What a backward graph gives, and the gradient at the hidden states where it is to be. */
  async #back(
    index: number,
    graph: BlockGraph,
    own: Feeds,
    gradient: BatchStates,
    weights: BlockWeights,
    stays = false
  ): Promise<{ outputs: Tensors; hidden: BatchStates }> {
    const made: (Tensor | DeviceTensor)[] = []
    try {
      const seeds = await this.#experts.seeds(index, graph, own, this.#asInput(gradient), weights, made)
      const left = stays && this.memory.keepsTensors ? [BEFORE] : []
      const { here, there } = await (await this.#graphs.session(graph, left)).keep({ ...own, ...seeds })
      return { outputs: here, hidden: there[BEFORE] ?? (here[BEFORE]?.data as Float32Array) }
    } finally {
      giveBack(made)
    }
  }

  /** @param real - as for `forward`; fed where the graph reads it */
  async #feeds(graph: BlockGraph, hidden: BatchStates, weights: BlockWeights, real?: Float32Array): Promise<Feeds> {
    const linears = await this.#resident.feeds(graph.linears, weights.linears)
    const states = this.#asInput(hidden)
    const told = graph.readsReal && real !== undefined && { real: column(real) }
    const adapters = { ...adapterFeeds(weights), ...weights.adaptersThere }
    return { ...linears, ...weights.parameters, ...adapters, hidden: states, ...told }
  }

  /** States, or gradients at them, as graphs take them: [tokens, state]. */
  #asInput(states: BatchStates): Tensor | DeviceTensor {
    if (states instanceof DeviceTensor) return states
    const width = stateSize(this.architecture)
    return { data: states, shape: [states.length / width, width] }
  }

  /** A device that keeps tensors adds them up itself. */
  get #gramSum(): GramSum {
    return this.#sums.keepsTensors ? 'alone' : 'added'
  }
}

const column = (data: Float32Array): Tensor => ({ data, shape: [data.length, 1] })

function adapterFeeds({ adapters = new Map<string, Adapter>() }: BlockWeights): Feeds {
  const feeds: Record<string, Tensor> = {}
  for (const [name, { A, B }] of adapters) {
    feeds[`${name}.lora_A`] = { data: A.data, shape: [A.rows, A.cols] }
    feeds[`${name}.lora_B`] = { data: B.data, shape: [B.rows, B.cols] }
  }
  return feeds
}
