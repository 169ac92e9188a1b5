import type { DeviceMemory } from '../graph/deviceMemory'
import { DeviceTensor, type Feeds, giveBack, type Tensor, type Tensors } from '../graph/session'
import { type BlockGraphs, NEXT } from './blockGraphs'
import type { BlockWeights } from './blockWeights'
import type { ExpertRunner } from './expertRunner'
import { EXPERT_SUM } from './layerBuilder'
import { type BlockGraph, EXPERT_INPUT, ROUTING } from './modelGraphs'
import type { Routed } from './routedTokens'

/** What a graph of a block gives, here and on the device. */
export interface BlockOutputs {
  readonly here: Tensors
  readonly there: Readonly<Record<string, DeviceTensor>>
}

/** A matrix here or on the device. */
type Placed = Tensor | DeviceTensor

/** Of a block that goes on with what its experts add: what these are given, and their sum as the graph takes it. */
interface WithinBlock {
  readonly batch: Routed
  readonly feeds: Feeds
}

/**
 * What graphs of blocks and their experts hand each other. On a device that keeps tensors that lies there, but for routing
 * weights, which say here what rows an expert is given.
 */
export class BlockExperts {
  constructor(
    private readonly graphs: BlockGraphs,
    private readonly memory: DeviceMemory,
    private readonly runner: ExpertRunner
  ) {}

  /**
   * Outputs that the graph of a block leaves on the device.
   *
   * @param stays - whether the next states are to stay there, or nobody takes them
   */
  left(graph: BlockGraph, weights: BlockWeights, stays: boolean): readonly string[] {
    if (!this.memory.keepsTensors) return []
    if (expertsBehind(graph, weights) !== undefined) return LEFT_WITH_EXPERTS
    return stays ? [NEXT] : []
  }

  /**
   * The next states, of what the graph of a block gives, which is given back.
   *
   * @param stays - whether they may stay on the device; then they are the caller's to give back
   * @throws {AppError} what reading experts throws; DEVICE with the library's reason when the device fails
   */
  async finished(
    graph: BlockGraph,
    { here, there }: BlockOutputs,
    weights: BlockWeights,
    stays: boolean
  ): Promise<Float32Array | DeviceTensor> {
    const next = there[NEXT] ?? (here[NEXT]?.data as Float32Array)
    const behind = expertsBehind(graph, weights)
    if (behind === undefined) return next
    const batch = routed({ here, there })
    try {
      return await this.#added(next, await this.runner.sum(batch, behind.spec, behind.read), stays)
    } catch (error) {
      giveBack([next])
      throw error
    } finally {
      giveBack([batch.input])
    }
  }

  /**
   * Of a block that goes on with what its experts add, their sum as the graph takes it.
   *
   * @param made - where it is noted what lies on the device then, to be given back once the block is computed
   * @throws {AppError} as `finished`
   */
  async within(
    { experts, within }: BlockGraph,
    feeds: Feeds,
    weights: BlockWeights,
    made: Placed[]
  ): Promise<WithinBlock | undefined> {
    if (experts === undefined || within === undefined || weights.experts === undefined) return undefined
    const routing = this.graphs.shared(within.routing)
    // Nothing that the routing is made of reads it.
    const unread = { data: new Float32Array(experts.hiddenSize), shape: [1, experts.hiddenSize] }
    const batch = await this.#routed(routing, { ...feeds, [EXPERT_SUM]: unread }, [EXPERT_INPUT], made)
    const sum = await this.runner.sum(batch, experts, weights.experts)
    made.push(sum)
    return { batch, feeds: { [EXPERT_SUM]: sum } }
  }

  /**
   * What the backward graph of a block is given beside what its graph is: the gradient of the block's output, and with experts
   * what passes back through them.
   *
   * @param gradient - ∂L/∂next, [tokens, state]
   * @param made - as for `within`
   * @throws {AppError} as `finished`
   */
  async seeds(
    index: number,
    graph: BlockGraph,
    feeds: Feeds,
    gradient: Placed,
    weights: BlockWeights,
    made: Placed[]
  ): Promise<Feeds> {
    const { experts } = graph
    if (experts === undefined || weights.experts === undefined) return { gradient }
    const seed = await this.#placed(gradient, made)
    const within = await this.within(graph, feeds, weights, made)
    const batch = within?.batch ?? (await this.#routed(this.graphs.of(index, weights), feeds, LEFT_WITH_EXPERTS, made))
    const ofSum =
      within === undefined
        ? seed
        : await this.#gradientOfSum(graph, { ...feeds, ...within.feeds, gradient: seed }, made)
    const back = await this.runner.backward(batch, ofSum, experts, weights.experts)
    made.push(back.input)
    const routing = { data: back.routing, shape: [back.routing.length / experts.count, experts.count] }
    return {
      gradient: seed,
      ...within?.feeds,
      [`gradient.${EXPERT_INPUT}`]: back.input,
      [`gradient.${ROUTING}`]: routing
    }
  }

  /** What a graph gives the experts. @param left - outputs that stay on a device that keeps tensors */
  async #routed(graph: BlockGraph, feeds: Feeds, left: readonly string[], made: Placed[]): Promise<Routed> {
    return routed(await this.#outputs(graph, feeds, left, made))
  }

  /** ∂L/∂ of what experts in the midst of a block add. */
  async #gradientOfSum({ within }: BlockGraph, feeds: Feeds, made: Placed[]): Promise<Placed> {
    const name = `gradient.${EXPERT_SUM}`
    const graph = this.graphs.shared(within?.gradient as BlockGraph)
    const { here, there } = await this.#outputs(graph, feeds, [name], made)
    return there[name] ?? (here[name] as Tensor)
  }

  async #outputs(graph: BlockGraph, feeds: Feeds, left: readonly string[], made: Placed[]): Promise<BlockOutputs> {
    const outputs = await (await this.graphs.session(graph, this.memory.keepsTensors ? left : [])).keep(feeds)
    made.push(...Object.values(outputs.there))
    return outputs
  }

  /** A gradient where experts take it: each of them does. */
  async #placed(gradient: Placed, made: Placed[]): Promise<Placed> {
    if (gradient instanceof DeviceTensor) return gradient
    const lies = await this.memory.upload(gradient)
    made.push(lies)
    return lies
  }

  /** Next states with what experts add. */
  async #added(next: Float32Array | DeviceTensor, sum: Placed, stays: boolean): Promise<Float32Array | DeviceTensor> {
    if (!(next instanceof DeviceTensor)) return addAll(next, (sum as Tensor).data)
    const all = await this.memory.sum(next, sum as DeviceTensor)
    if (stays) return all
    try {
      return (await this.memory.read(all)).data as Float32Array
    } finally {
      giveBack([all])
    }
  }
}

const LEFT_WITH_EXPERTS = [NEXT, EXPERT_INPUT]

/** The experts of a block whose sum is added to its output behind its graph. */
const expertsBehind = ({ experts: spec, within }: BlockGraph, { experts: read }: BlockWeights) =>
  spec === undefined || within !== undefined || read === undefined ? undefined : { spec, read }

/** What a graph gives the experts. */
const routed = ({ here, there }: BlockOutputs): Routed => ({
  input: there[EXPERT_INPUT] ?? (here[EXPERT_INPUT] as Tensor),
  routing: here[ROUTING]?.data as Float32Array
})

function addAll(target: Float32Array, values: Tensor['data']): Float32Array {
  for (let i = 0; i < target.length; i++) (target[i] as number) += values[i] as number
  return target
}
