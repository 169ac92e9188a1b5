import type { DeviceName } from '../../shared/recipe'
import { DeviceMemory } from '../graph/deviceMemory'
import { DeviceTensor, type Feeds, giveBack, type Tensor, type Tensors } from '../graph/session'
import { type ModelArchitecture, stateSize } from './architecture'
import { BEFORE, BlockGraphs, NEXT } from './blockGraphs'
import type { Adapter, BlockWeights } from './blockWeights'
import { expertGraph } from './expertGraphs'
import { ExpertRunner, type Routed } from './expertRunner'
import { ExpertsThere } from './expertsThere'
import type { GramSum, GramTile } from './gramTiles'
import { addedFeeds, HostGrams } from './hostGrams'
import { EXPERT_SUM } from './layerBuilder'
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
  readonly #experts: ExpertRunner
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
    this.#experts = new ExpertRunner(device, new ExpertsThere(this.uploads, expertRoom))
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
   * for them, and what experts are added to here is finished here.
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
    const feeds = await this.#feeds(graph, hidden, weights, real)
    const within = await this.#within(graph, feeds, weights)
    const all = { ...feeds, ...within?.feeds }
    if (this.#leaves(graph, weights, stays)) {
      const { there } = await (await this.#graphs.session(graph, [NEXT])).keep(all)
      return there[NEXT] as DeviceTensor
    }
    const outputs = await (await this.#graphs.session(graph)).run(all)
    return this.#withExperts(graph, outputs, weights)
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
    const leaves = this.#leaves(graph, weights, stays)
    const { outputs, there, ...found } = await this.#withGrams(graph, hidden, mask, weights, more, leaves)
    if (there !== undefined) return { ...(await this.#read(there)), ...found }
    return { next: await this.#withExperts(graph, outputs, weights), ...found }
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
    const { grams, there } = await this.#withGrams(graph, hidden, mask, weights, more, this.memory.keepsTensors)
    giveBack([there])
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
    const feeds = {
      ...(await this.#feeds(graph, hidden, weights, real)),
      ...(await this.#seeds(index, graph, hidden, gradient, real, weights))
    }
    const { outputs, hidden: before } = await this.#back(graph, feeds, stays)
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
    const feeds = {
      ...(await this.#feeds(graph, hidden, weights, real)),
      ...(await this.#seeds(index, graph, hidden, gradient, real, weights))
    }
    const { outputs, hidden: before } = await this.#back(graph, feeds, stays)
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
    await this.#experts.release()
    this.#resident.release()
    await this.#sums.release()
    await this.uploads.release()
    await this.memory.release()
  }

  async #withGrams(
    graph: BlockGraph,
    hidden: BatchStates,
    mask: Float32Array,
    weights: BlockWeights,
    more: boolean,
    leaves: boolean
  ) {
    const feeds = { ...(await this.#feeds(graph, hidden, weights)), mask: column(mask) }
    const within = await this.#within(graph, feeds, weights)
    const { outputs, sums, there } = await this.#added(graph, { ...feeds, ...within?.feeds }, weights, more, leaves)
    const grams =
      sums === undefined ? [] : graph.grams.map((tile) => ({ ...tile, data: sums[tile.output]?.data as Float32Array }))
    const energies = new Map(graph.linears.map(({ name }) => [name, outputs[energyOutput(name)]?.data as Float32Array]))
    return { outputs, grams, energies, there }
  }

  /** What a graph with Gram matrices gives, and the sums of these, where a device adds them up, when they are due. */
  async #added(graph: BlockGraph, feeds: Feeds, { linears }: BlockWeights, more: boolean, leaves: boolean) {
    if (!this.#sums.keepsTensors) {
      const sums = this.#hostSums.sumsOf(graph.grams, linears)
      const outputs: Tensors = await (await this.#graphs.session(graph)).run({ ...feeds, ...addedFeeds(sums) }, sums)
      return { outputs, sums: this.#hostSums.take(more), there: undefined }
    }
    const left = [...graph.grams.map(({ output }) => output), ...(leaves ? [NEXT] : [])]
    const { here, there } = await (await this.#graphs.session(graph, left)).keep(feeds)
    const { [NEXT]: next, ...tiles } = there
    try {
      return { outputs: here, sums: await this.#sums.add(linears, tiles, more), there: next }
    } catch (error) {
      giveBack([next])
      throw error
    }
  }

  /** Whether a graph leaves the next states on the device. */
  #leaves(graph: BlockGraph, weights: BlockWeights, stays: boolean): boolean {
    return stays && this.memory.keepsTensors && !isFinishedHere(graph, weights)
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

  /** The next hidden states, from what the graph of the block gives. */
  async #withExperts(graph: BlockGraph, outputs: Tensors, weights: BlockWeights): Promise<Float32Array> {
    const next = outputs[NEXT]?.data as Float32Array
    const { experts } = graph
    if (experts !== undefined && weights.experts !== undefined && isFinishedHere(graph, weights))
      await this.#experts.addTo([next], [routed(outputs)], experts, weights.experts)
    return next
  }

  /** Of a block that goes on with what its experts add: what these are given, and their sum as the graph takes it. */
  async #within({ experts, within }: BlockGraph, feeds: Feeds, weights: BlockWeights) {
    if (experts === undefined || within === undefined || weights.experts === undefined) return undefined
    const [tokens = 0] = feeds.hidden?.shape ?? []
    const sum = { data: new Float32Array(tokens * experts.hiddenSize), shape: [tokens, experts.hiddenSize] }
    const session = await this.#graphs.session(this.#graphs.shared(within.routing))
    const batch = routed(await session.run({ ...feeds, [EXPERT_SUM]: sum }))
    await this.#experts.addTo([sum.data], [batch], experts, weights.experts)
    return { batch, feeds: { [EXPERT_SUM]: sum } }
  }

  /** What a backward graph gives, and the gradient at the hidden states where it is to be. */
  async #back(graph: BlockGraph, feeds: Feeds, stays = false): Promise<{ outputs: Tensors; hidden: BatchStates }> {
    if (!stays || !this.memory.keepsTensors) {
      const outputs = await (await this.#graphs.session(graph)).run(feeds)
      return { outputs, hidden: outputs[BEFORE]?.data as Float32Array }
    }
    const { here, there } = await (await this.#graphs.session(graph, [BEFORE])).keep(feeds)
    return { outputs: here, hidden: there[BEFORE] as DeviceTensor }
  }

  /** What a backward graph is given: the gradient of the block's output, and with experts what passes back through them. */
  async #seeds(
    index: number,
    graph: BlockGraph,
    hidden: BatchStates,
    gradient: BatchStates,
    real: Float32Array,
    weights: BlockWeights
  ): Promise<Feeds> {
    const { experts } = graph
    if (experts === undefined || weights.experts === undefined) return { gradient: this.#asInput(gradient) }
    // Experts take it here.
    const values =
      gradient instanceof DeviceTensor ? ((await this.memory.read(gradient)).data as Float32Array) : gradient
    const seed = { gradient: this.#asInput(values) }
    const feeds = await this.#feeds(graph, hidden, weights, real)
    const within = await this.#within(graph, feeds, weights)
    const batch =
      within?.batch ?? routed(await (await this.#graphs.session(this.#graphs.of(index, weights))).run(feeds))
    const ofSum =
      within === undefined ? values : await this.#gradientOfSum(graph, { ...feeds, ...within.feeds, ...seed })
    const back = await this.#experts.backward(batch, ofSum, experts, weights.experts)
    const tokens = ofSum.length / experts.hiddenSize
    return {
      ...seed,
      ...within?.feeds,
      'gradient.expertInput': { data: back.input, shape: [tokens, experts.hiddenSize] },
      'gradient.routing': { data: back.routing, shape: [tokens, experts.count] }
    }
  }

  /** ∂L/∂ of what experts in the midst of a block add. */
  async #gradientOfSum({ within }: BlockGraph, feeds: Feeds): Promise<Float32Array> {
    const session = await this.#graphs.session(this.#graphs.shared(within?.gradient as BlockGraph))
    return (await session.run(feeds))[`gradient.${EXPERT_SUM}`]?.data as Float32Array
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

/** Whether what the experts of a block add is added to its output here. */
const isFinishedHere = ({ experts, within }: BlockGraph, weights: BlockWeights): boolean =>
  experts !== undefined && within === undefined && weights.experts !== undefined

/** What a graph gives the experts. */
const routed = ({ expertInput, routing }: Tensors): Routed => ({
  input: expertInput?.data as Float32Array,
  routing: routing?.data as Float32Array
})

const column = (data: Float32Array): Tensor => ({ data, shape: [data.length, 1] })

function adapterFeeds({ adapters = new Map<string, Adapter>() }: BlockWeights): Feeds {
  const feeds: Record<string, Tensor> = {}
  for (const [name, { A, B }] of adapters) {
    feeds[`${name}.lora_A`] = { data: A.data, shape: [A.rows, A.cols] }
    feeds[`${name}.lora_B`] = { data: B.data, shape: [B.rows, B.cols] }
  }
  return feeds
}
