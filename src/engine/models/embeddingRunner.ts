import type { DeviceName } from '../../shared/recipe'
import type { InputRounding } from '../graph/inputRounding'
import type { Feeds } from '../graph/session'
import type { ModelArchitecture } from './architecture'
import { embeddingGraph } from './modelGraphs'
import type { ModelWeights, ReadParameter } from './modelWeights'
import { PlainRunner } from './plainRunner'

/** What a base makes of the linears outside the blocks; by default they are as in the checkpoint. */
export interface OuterLinears {
  readonly read: ReadParameter
  /** What they make of their inputs. */
  readonly roundInputs?: InputRounding | undefined
}

/** Turns whole rows of token ids into the first block's hidden states. */
export class EmbeddingRunner {
  private constructor(
    private readonly architecture: ModelArchitecture,
    private readonly weights: ModelWeights,
    private readonly after: PlainRunner | undefined
  ) {}

  /** @param outer - linears between embedding and first block */
  static async create(
    architecture: ModelArchitecture,
    weights: ModelWeights,
    context: number,
    device: DeviceName,
    { read, roundInputs }: OuterLinears = { read: weights.readParameter }
  ): Promise<EmbeddingRunner> {
    const graph = embeddingGraph(architecture, context, { roundInputs })
    return new EmbeddingRunner(architecture, weights, graph && (await PlainRunner.create(graph, read, device)))
  }

  /**
   * @param ids - [rows · context]
   * @param real - [rows · context], 1 for tokens and 0 for the pads behind them
   * @returns [rows · context, stateSize]
   */
  async run(ids: Int32Array, real: Float32Array): Promise<Float32Array> {
    const embedded = this.weights.embed(ids)
    if (this.after === undefined) return embedded
    const { embeddingSize, secondEmbedding: second } = this.architecture
    const beside: Feeds =
      second === undefined
        ? {}
        : { second: { data: this.weights.embed(ids, second), shape: [ids.length, second.columns] } }
    return this.after.run('embedded', embedded, embeddingSize, real, beside)
  }

  async release(): Promise<void> {
    await this.after?.release()
  }
}
