import type { DeviceName } from '../../shared/recipe'
import { type Feeds, GraphSession, type Tensor } from '../graph/session'
import type { ComparedTile, VocabularyTile } from '../numerics/tokenLosses'
import type { ModelArchitecture } from './architecture'
import { vocabularyTileGraph } from './modelGraphs'
import type { ModelWeights } from './modelWeights'
import { type HeadTile, type HeadTiles, tileRows, VocabularyHead } from './vocabularyHead'

/** Positions that are multiplied at once, so that a tile's logits stay bounded however long the rows are. */
export const HEAD_POSITIONS = 2048
/** The same where nothing but figures of each position is wanted: the logits then lie in the processor's cache. */
export const EVALUATED_POSITIONS = 512

/** One tile of the vocabulary as full precision sees it, with what others are compared with: [positions, tile rows] each. */
export interface FullTile extends VocabularyTile {
  readonly logits: Tensor
  readonly exponentials: Tensor
}

/** Logits of full precision and their exponentials, and what a graph makes of the other weights' logits beside them. */
const TILE_TENSORS = 7

/** What the head takes in memory while it is read, bytes: a tile of its rows, and logits of so many positions. */
export const headBytes = (architecture: ModelArchitecture, positions = HEAD_POSITIONS): number =>
  4 * tileRows(architecture) * (architecture.embeddingSize + TILE_TENSORS * Math.min(positions, HEAD_POSITIONS))

/** Computes the logits of the output head, the vocabulary in tiles. */
export class HeadRunner implements HeadTiles {
  readonly #logits: Float32Array
  readonly #exponentials: Float32Array

  private constructor(
    private readonly architecture: ModelArchitecture,
    private readonly head: VocabularyHead,
    private readonly full: GraphSession,
    private readonly compared: GraphSession
  ) {
    this.#logits = new Float32Array(EVALUATED_POSITIONS * tileRows(architecture))
    this.#exponentials = new Float32Array(this.#logits.length)
  }

  static async create(architecture: ModelArchitecture, weights: ModelWeights, device: DeviceName): Promise<HeadRunner> {
    const full = await GraphSession.create(vocabularyTileGraph(architecture, 'full'), device)
    const compared = await GraphSession.create(vocabularyTileGraph(architecture, 'compared'), device)
    return new HeadRunner(architecture, await VocabularyHead.open(architecture, weights), full, compared)
  }

  tiles(): [number, number][] {
    return this.head.tiles()
  }

  readTile(begin: number, end: number): Promise<HeadTile> {
    return this.head.readTile(begin, end)
  }

  /**
   * What one tile of the vocabulary adds to the figures of each position in full precision. Its logits and exponentials
   * hold until the next tile is computed.
   *
   * @param normed - states after the final norm, [positions, embeddingSize], EVALUATED_POSITIONS of them at most
   * @param head - rows of the head, as read by `readTile`
   * @param targets - per position an index into this tile; any index where the target lies elsewhere
   */
  async computeFull(normed: Float32Array, head: HeadTile, targets: Int32Array): Promise<FullTile> {
    const shape = [targets.length, head.weights.length / this.architecture.embeddingSize] as const
    const size = shape[0] * shape[1]
    const logits = { data: this.#logits.subarray(0, size), shape }
    const exponentials = { data: this.#exponentials.subarray(0, size), shape }
    const outputs = await this.full.run(this.#feeds(normed, head, targets), { logits, exponentials })
    return { ...partsOf(outputs), logits, exponentials }
  }

  /** The same under other weights, with what the tile adds to their divergence from full precision. */
  async compare(
    { logits, exponentials }: FullTile,
    normed: Float32Array,
    head: HeadTile,
    targets: Int32Array
  ): Promise<ComparedTile> {
    const feeds = { ...this.#feeds(normed, head, targets), fullLogits: logits, fullExponentials: exponentials }
    const outputs = await this.compared.run(feeds)
    return { ...partsOf(outputs), cross: outputs.cross?.data as Float32Array }
  }

  async release(): Promise<void> {
    await this.full.release()
    await this.compared.release()
  }

  #feeds(normed: Float32Array, head: HeadTile, targets: Int32Array): Feeds {
    const { embeddingSize } = this.architecture
    const rows = head.weights.length / embeddingSize
    return {
      normed: { data: normed, shape: [targets.length, embeddingSize] },
      head: { data: head.weights, shape: [rows, embeddingSize] },
      ...(head.bias && { headBias: { data: head.bias, shape: [rows] } }),
      targetIndex: { data: targets, shape: [targets.length, 1] }
    }
  }
}

function partsOf(outputs: Readonly<Record<string, Tensor>>): VocabularyTile {
  const column = (name: string) => outputs[name]?.data as Float32Array
  return {
    max: column('max'),
    sum: column('sum'),
    target: column('target'),
    best: outputs.best?.data as Int32Array
  }
}
