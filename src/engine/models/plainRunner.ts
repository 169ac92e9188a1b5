import type { DeviceName } from '../../shared/recipe'
import { type Feeds, GraphSession } from '../graph/session'
import type { PlainGraph } from './modelGraphs'
import type { ReadParameter } from './modelWeights'

/** Computes a graph of one input and one output, with its parameters read once. */
export class PlainRunner {
  private constructor(
    private readonly session: GraphSession,
    private readonly parameters: Feeds,
    /** Whether it tells tokens from pads. */
    readonly readsReal: boolean
  ) {}

  static async create(
    { model, parameters, readsReal }: PlainGraph,
    read: ReadParameter,
    device: DeviceName
  ): Promise<PlainRunner> {
    const feeds: Record<string, Feeds[string]> = {}
    for (const parameter of parameters) {
      feeds[parameter.name] = { data: await read(parameter), shape: parameter.shape }
    }
    return new PlainRunner(await GraphSession.create(model, device), feeds, readsReal)
  }

  /**
   * The output, for an input [tokens, columns] under the name that the graph gives it.
   *
   * @param real - [tokens], 1 for tokens and 0 for the pads behind them; needed where the graph tells them apart
   * @param beside - further inputs, where the graph has some
   */
  async run(
    input: string,
    data: Float32Array,
    columns: number,
    real?: Float32Array,
    beside: Feeds = {}
  ): Promise<Float32Array> {
    const tokens = data.length / columns
    const outputs = await this.session.run({
      ...this.parameters,
      ...beside,
      ...(this.readsReal && real !== undefined && { real: { data: real, shape: [tokens, 1] } }),
      [input]: { data, shape: [tokens, columns] }
    })
    return Object.values(outputs)[0]?.data as Float32Array
  }

  release(): Promise<void> {
    return this.session.release()
  }
}
