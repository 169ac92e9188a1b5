import { DeviceTensor, type Feeds, GraphSession, giveBack, type Tensor } from '../graph/session'
import type { ComparedTile, VocabularyTile } from '../numerics/tokenLosses'
import type { ModelArchitecture } from './architecture'
import { vocabularyTileGraph } from './modelGraphs'
import type { ModelWeights } from './modelWeights'
import type { PackedUploads } from './packedUploads'
import { type HeadTile, type HeadTiles, tileRows, VocabularyHead } from './vocabularyHead'

/** Positions that are multiplied at once, so that a tile's logits stay bounded however long the rows are. */
export const HEAD_POSITIONS = 2048
/** The same where nothing but figures of each position is wanted: the logits then lie in the processor's cache. */
export const EVALUATED_POSITIONS = 512

/** One tile of the vocabulary as full precision sees it, with what others are compared with: [positions, tile rows] each. */
export interface FullTile extends VocabularyTile {
  readonly logits: Tensor | DeviceTensor
  readonly exponentials: Tensor | DeviceTensor
}

/** Logits of full precision and their exponentials, and what a graph makes of the other weights' logits beside them. */
const TILE_TENSORS = 7

/** What the head takes in memory while it is read, bytes: a tile of its rows, and logits of so many positions. */
export const headBytes = (architecture: ModelArchitecture, positions = HEAD_POSITIONS): number =>
  4 * tileRows(architecture) * (architecture.embeddingSize + TILE_TENSORS * Math.min(positions, HEAD_POSITIONS))

/** What a tile of full precision leaves for those that are compared with it. */
const LEFT = ['logits', 'exponentials'] as const

/**
 * Computes the logits of the output head, the vocabulary in tiles. On a device that keeps tensors a tile's rows are carried
 * there once, and its logits in full precision do not leave it.
 */
export class HeadRunner implements HeadTiles {
  readonly #logits: Float32Array
  readonly #exponentials: Float32Array
  /** The rows that lie on the device, and the tile that they are of. */
  #rows: { readonly tile: HeadTile; readonly there: DeviceTensor } | undefined
  /** What the last tile of full precision left there. */
  #left: DeviceTensor[] = []

  private constructor(
    private readonly architecture: ModelArchitecture,
    private readonly head: VocabularyHead,
    private readonly full: GraphSession,
    private readonly compared: GraphSession,
    private readonly uploads: PackedUploads
  ) {
    this.#logits = new Float32Array(uploads.memory.keepsTensors ? 0 : EVALUATED_POSITIONS * tileRows(architecture))
    this.#exponentials = new Float32Array(this.#logits.length)
  }

  /** @param uploads - to the device that computes */
  static async create(
    architecture: ModelArchitecture,
    weights: ModelWeights,
    uploads: PackedUploads
  ): Promise<HeadRunner> {
    const { device, keepsTensors } = uploads.memory
    const left = keepsTensors ? LEFT : []
    const full = await GraphSession.create(vocabularyTileGraph(architecture, 'full'), device, left)
    const compared = await GraphSession.create(vocabularyTileGraph(architecture, 'compared'), device)
    const head = await VocabularyHead.open(architecture, weights, keepsTensors)
    return new HeadRunner(architecture, head, full, compared, uploads)
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
  async computeFull(normed: Float32Array | DeviceTensor, head: HeadTile, targets: Int32Array): Promise<FullTile> {
    if (this.uploads.memory.keepsTensors) return this.#fullThere(await this.#feeds(normed, head, targets))
    const shape = [targets.length, head.weights.length / this.architecture.embeddingSize] as const
    const size = shape[0] * shape[1]
    const logits = { data: this.#logits.subarray(0, size), shape }
    const exponentials = { data: this.#exponentials.subarray(0, size), shape }
    const outputs = await this.full.run(await this.#feeds(normed, head, targets), { logits, exponentials })
    return { ...partsOf(outputs), logits, exponentials }
  }

  /** The same under other weights, with what the tile adds to their divergence from full precision. */
  async compare(
    { logits, exponentials }: FullTile,
    normed: Float32Array | DeviceTensor,
    head: HeadTile,
    targets: Int32Array
  ): Promise<ComparedTile> {
    const feeds = await this.#feeds(normed, head, targets)
    const outputs = await this.compared.run({ ...feeds, fullLogits: logits, fullExponentials: exponentials })
    return { ...partsOf(outputs), cross: outputs.cross?.data as Float32Array }
  }

  async release(): Promise<void> {
    giveBack([...this.#left, this.#rows?.there])
    this.#left = []
    this.#rows = undefined
    await this.full.release()
    await this.compared.release()
  }

  async #fullThere(feeds: Feeds): Promise<FullTile> {
    giveBack(this.#left)
    this.#left = []
    const { here, there } = await this.full.keep(feeds)
    const [logits, exponentials] = LEFT.map((name) => there[name]) as [DeviceTensor, DeviceTensor]
    this.#left = [logits, exponentials]
    return { ...partsOf(here), logits, exponentials }
  }

  async #feeds(normed: Float32Array | DeviceTensor, head: HeadTile, targets: Int32Array): Promise<Feeds> {
    const { embeddingSize } = this.architecture
    const rows = head.weights.length / embeddingSize
    const states = normed instanceof DeviceTensor ? normed : { data: normed, shape: [targets.length, embeddingSize] }
    return {
      normed: states,
      head: await this.#carried(head, { data: head.weights, shape: [rows, embeddingSize] }),
      ...(head.bias && { headBias: { data: head.bias, shape: [rows] } }),
      targetIndex: { data: targets, shape: [targets.length, 1] }
    }
  }

  /** A tile's rows as graphs take them: those before it leave the device. */
  async #carried(tile: HeadTile, rows: Tensor): Promise<Tensor | DeviceTensor> {
    if (this.#rows?.tile === tile) return this.#rows.there
    giveBack([this.#rows?.there])
    this.#rows = undefined
    const there = await this.uploads.carry(rows, tile.bits)
    if (there instanceof DeviceTensor) this.#rows = { tile, there }
    return there
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
