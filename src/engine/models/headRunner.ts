import type { DeviceName } from '../../shared/recipe'
import { GraphSession, TENSOR_LIMIT_BYTES } from '../graph/session'
import type { VocabularyTile } from '../numerics/tokenLosses'
import type { ModelArchitecture } from './architecture'
import { vocabularyTileGraph } from './modelGraphs'
import type { ModelWeights } from './modelWeights'

/** Rows of the head that are multiplied at once: the logits of a batch then stay in memory that is used again. */
const MAX_TILE_ROWS = 2048
/** A tile's weights take at most this share of the tensor limit. */
const TILE_SHARE = 4

/** The output head, the vocabulary in tiles. */
export class HeadRunner {
  private constructor(
    private readonly architecture: ModelArchitecture,
    private readonly weights: ModelWeights,
    private readonly tile: GraphSession
  ) {}

  static async create(architecture: ModelArchitecture, weights: ModelWeights, device: DeviceName): Promise<HeadRunner> {
    return new HeadRunner(architecture, weights, await GraphSession.create(vocabularyTileGraph(architecture), device))
  }

  /** Ranges of the vocabulary that are multiplied at once. */
  tiles(): [number, number][] {
    const { vocabularySize, embeddingSize } = this.architecture
    const fitting = Math.floor(TENSOR_LIMIT_BYTES / (TILE_SHARE * 4 * embeddingSize))
    const size = Math.max(1, Math.min(MAX_TILE_ROWS, fitting))
    return Array.from({ length: Math.ceil(vocabularySize / size) }, (_, i) => [
      i * size,
      Math.min(vocabularySize, (i + 1) * size)
    ])
  }

  /** Rows [begin, end) of the head. */
  readTile(begin: number, end: number): Promise<Float32Array> {
    return this.weights.readVocabularyRows(this.architecture.head, begin, end)
  }

  /**
   * What one tile of the vocabulary adds to the loss of each position.
   *
   * @param normed - states after the final norm, [tokens, embeddingSize]
   * @param head - rows of the head, as read by `readTile`
   * @param targets - per position an index into this tile; any index where the target lies elsewhere
   */
  async compute(normed: Float32Array, head: Float32Array, targets: Int32Array): Promise<VocabularyTile> {
    const { embeddingSize } = this.architecture
    const outputs = await this.tile.run({
      normed: { data: normed, shape: [targets.length, embeddingSize] },
      head: { data: head, shape: [head.length / embeddingSize, embeddingSize] },
      targetIndex: { data: targets, shape: [targets.length, 1] }
    })
    const column = (name: string) => outputs[name]?.data as Float32Array
    return { max: column('max'), sum: column('sum'), target: column('target') }
  }

  release(): Promise<void> {
    return this.tile.release()
  }
}
