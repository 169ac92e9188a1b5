import type { StoredBits } from '../formats/checkpoint'
import { type Feeds, TENSOR_LIMIT_BYTES } from '../graph/session'
import type { ModelArchitecture } from './architecture'
import type { ModelWeights } from './modelWeights'
import type { PackedUploads } from './packedUploads'

/** Rows of the head that are multiplied at once: the logits of a batch then stay in memory that is used again. */
const MAX_TILE_ROWS = 2048
/** A tile's weights take at most this share of the tensor limit. */
const TILE_SHARE = 4
/** Some rows of the head. */
export interface HeadTile {
  /** [rows, embeddingSize] */
  readonly weights: Float32Array
  /** Of the weights, where they are to be carried to a device and are stored in 16 bits. */
  readonly bits?: StoredBits | undefined
  /** [rows], where the head has one. */
  readonly bias?: Float32Array
}

/** Where the head is read from, the vocabulary in tiles. */
export interface HeadTiles {
  /** Ranges of the vocabulary that are multiplied at once. */
  tiles(): [number, number][]
  /** Rows [begin, end) of the head. */
  readTile(begin: number, end: number): Promise<HeadTile>
}

/**
 * A tile as graphs take it, its rows where the device has them: then they are the caller's to give back.
 *
 * @param width - columns of the head
 * @throws {AppError} DEVICE with the library's reason when the device fails
 */
export async function carriedTile(
  uploads: PackedUploads,
  { weights, bits, bias }: HeadTile,
  width: number
): Promise<Feeds> {
  const rows = weights.length / width
  return {
    head: await uploads.carry({ data: weights, shape: [rows, width] }, bits),
    ...(bias && { headBias: { data: bias, shape: [rows] } })
  }
}

/** Rows of the head in a tile. */
export function tileRows({ vocabularySize, embeddingSize }: ModelArchitecture): number {
  const fitting = Math.floor(TENSOR_LIMIT_BYTES / (TILE_SHARE * 4 * embeddingSize))
  return Math.max(1, Math.min(MAX_TILE_ROWS, fitting, vocabularySize))
}

/** The output head in a checkpoint. */
export class VocabularyHead implements HeadTiles {
  private constructor(
    private readonly architecture: ModelArchitecture,
    private readonly weights: ModelWeights,
    /** [vocabulary] */
    private readonly bias: Float32Array | undefined,
    private readonly withBits: boolean
  ) {}

  /** @param withBits - whether tiles are read with their bits, for a device */
  static async open(architecture: ModelArchitecture, weights: ModelWeights, withBits = false): Promise<VocabularyHead> {
    const { headBias, vocabularySize } = architecture
    const bias = headBias === undefined ? undefined : await weights.read(headBias, [vocabularySize])
    return new VocabularyHead(architecture, weights, bias, withBits)
  }

  tiles(): [number, number][] {
    const { vocabularySize } = this.architecture
    const size = tileRows(this.architecture)
    return Array.from({ length: Math.ceil(vocabularySize / size) }, (_, i) => [
      i * size,
      Math.min(vocabularySize, (i + 1) * size)
    ])
  }

  async readTile(begin: number, end: number): Promise<HeadTile> {
    const { head } = this.architecture
    const { values: weights, bits } = this.withBits
      ? await this.weights.readVocabularyRowsWithBits(head, begin, end)
      : { values: await this.weights.readVocabularyRows(head, begin, end) }
    return { weights, bits, ...(this.bias !== undefined && { bias: this.bias.subarray(begin, end) }) }
  }
}
