import { TENSOR_LIMIT_BYTES } from '../graph/session'
import type { ModelArchitecture } from './architecture'
import type { ModelWeights } from './modelWeights'

/** Rows of the head that are multiplied at once: the logits of a batch then stay in memory that is used again. */
const MAX_TILE_ROWS = 2048
/** A tile's weights take at most this share of the tensor limit. */
const TILE_SHARE = 4
/** Some rows of the head. */
export interface HeadTile {
  /** [rows, embeddingSize] */
  readonly weights: Float32Array
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
    private readonly bias: Float32Array | undefined
  ) {}

  static async open(architecture: ModelArchitecture, weights: ModelWeights): Promise<VocabularyHead> {
    const { headBias, vocabularySize } = architecture
    const bias = headBias === undefined ? undefined : await weights.read(headBias, [vocabularySize])
    return new VocabularyHead(architecture, weights, bias)
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
    const weights = await this.weights.readVocabularyRows(this.architecture.head, begin, end)
    return this.bias === undefined ? { weights } : { weights, bias: this.bias.subarray(begin, end) }
  }
}
