import type { DeviceName } from '../../shared/recipe'
import type { ModelArchitecture } from './architecture'
import { embeddingGraph } from './modelGraphs'
import type { ModelWeights, ReadParameter } from './modelWeights'
import { PlainRunner } from './plainRunner'

/** Turns whole rows of token ids into the first block's hidden states. */
export class EmbeddingRunner {
  private constructor(
    private readonly architecture: ModelArchitecture,
    private readonly weights: ModelWeights,
    private readonly after: PlainRunner | undefined
  ) {}

  /** @param read - parameters of what lies between embedding and first block; default: as in the checkpoint */
  static async create(
    architecture: ModelArchitecture,
    weights: ModelWeights,
    context: number,
    device: DeviceName,
    read: ReadParameter = weights.readParameter
  ): Promise<EmbeddingRunner> {
    const graph = embeddingGraph(architecture, context)
    return new EmbeddingRunner(architecture, weights, graph && (await PlainRunner.create(graph, read, device)))
  }

  /** @param ids - [rows · context]; @returns [rows · context, hiddenSize] */
  async run(ids: Int32Array): Promise<Float32Array> {
    const embedded = this.weights.embed(ids)
    return this.after === undefined ? embedded : this.after.run('embedded', embedded, this.architecture.embeddingSize)
  }

  async release(): Promise<void> {
    await this.after?.release()
  }
}
