import type { DeviceName } from '../../shared/recipe'
import { GraphSession } from '../graph/session'
import type { ModelArchitecture } from './architecture'
import type { BlockWeights } from './blockWeights'
import { FormCache } from './formCache'
import type { GramSum } from './gramTiles'
import type { LinearForm } from './layerBuilder'
import { type BlockGraph, backwardGraph, blockGraph, curvatureGraph } from './modelGraphs'

/** Name of the output with the next states. */
export const NEXT = 'next'
/** Name of the output with the gradient at the states before the block. */
export const BEFORE = 'gradient.hidden'

/**
 * The graphs that compute a model's blocks, each built when it is first asked for, and their compiled sessions. Blocks that are
 * built alike share one graph, and with it one session.
 */
export class BlockGraphs {
  /** Of full precision, with and without Gram matrices. */
  readonly #plain = new Map<string, BlockGraph>()
  /** Of weights that compute otherwise, and backwards: by block, adapted linears and rounding of inputs. */
  readonly #own = new FormCache()
  readonly #backward = new FormCache()
  /** Backwards in full precision, with Gram matrices of gradients: by block. */
  readonly #curvature = new Map<number, BlockGraph>()
  /** By graph, and by what they leave on the device. */
  readonly #sessions = new Map<BlockGraph, Map<string, GraphSession>>()

  /** @param tensorLimit - the largest tensor that graphs may make, bytes; default: what they are parted for */
  constructor(
    private readonly architecture: ModelArchitecture,
    private readonly context: number,
    private readonly device: DeviceName,
    private readonly tensorLimit?: number
  ) {}

  /** The graph of a block in full precision. @param grams - how its Gram matrices are summed; without, it has none */
  plain(index: number, grams?: GramSum): BlockGraph {
    const key = `${index} ${grams}`
    const known = this.#plain.get(key)
    if (known !== undefined) return known
    const graph = this.#build(index, grams)
    this.#plain.set(key, graph)
    return graph
  }

  /** The graph that computes a block with these weights. */
  of(index: number, weights: BlockWeights): BlockGraph {
    const { adapters: adapted, roundInputs } = weights
    if (adapted === undefined && roundInputs === undefined) return this.plain(index)
    return this.#own.of(index, weights, () => this.#build(index, undefined, { adapted, roundInputs }))
  }

  /** The graph of a block's gradients with these weights. */
  backward(index: number, weights: BlockWeights): BlockGraph {
    const { adapters: adapted, roundInputs } = weights
    const form = { adapted, roundInputs }
    return this.#backward.of(index, weights, () =>
      this.shared(backwardGraph(this.architecture, index, this.context, form, this.tensorLimit))
    )
  }

  /** The graph of a block's gradients in full precision, with their Gram matrices. */
  curvature(index: number): BlockGraph {
    const known = this.#curvature.get(index)
    if (known !== undefined) return known
    const graph = this.shared(curvatureGraph(this.architecture, index, this.context, this.tensorLimit))
    this.#curvature.set(index, graph)
    return graph
  }

  /** The one that is built alike, where there is one. */
  shared(built: BlockGraph): BlockGraph {
    const known = [...this.#plain.values(), ...this.#sessions.keys()]
    return known.find((graph) => Buffer.compare(graph.model, built.model) === 0) ?? built
  }

  /** @param left - outputs that stay on the device */
  async session(graph: BlockGraph, left: readonly string[] = []): Promise<GraphSession> {
    const sessions = this.#sessions.get(graph) ?? new Map<string, GraphSession>()
    this.#sessions.set(graph, sessions)
    const key = left.join(' ')
    const known = sessions.get(key)
    if (known !== undefined) return known
    const session = await GraphSession.create(graph.model, this.device, left)
    sessions.set(key, session)
    return session
  }

  async release(): Promise<void> {
    for (const sessions of this.#sessions.values()) for (const session of sessions.values()) await session.release()
    this.#sessions.clear()
  }

  #build(index: number, grams?: GramSum, form?: LinearForm): BlockGraph {
    return this.shared(blockGraph(this.architecture, index, this.context, grams, form, this.tensorLimit))
  }
}
