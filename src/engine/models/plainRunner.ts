import type { DeviceName } from '../../shared/recipe'
import { type Feeds, GraphSession } from '../graph/session'
import type { PlainGraph } from './modelGraphs'
import type { ReadParameter } from './modelWeights'

/** Computes a graph of one input and one output, with its parameters read once. */
export class PlainRunner {
  private constructor(
    private readonly session: GraphSession,
    private readonly parameters: Feeds
  ) {}

  static async create(
    { model, parameters }: PlainGraph,
    read: ReadParameter,
    device: DeviceName
  ): Promise<PlainRunner> {
    const feeds: Record<string, Feeds[string]> = {}
    for (const parameter of parameters) {
      feeds[parameter.name] = { data: await read(parameter), shape: parameter.shape }
    }
    return new PlainRunner(await GraphSession.create(model, device), feeds)
  }

  /** The output, for an input [rows, columns] under the name that the graph gives it. */
  async run(input: string, data: Float32Array, columns: number): Promise<Float32Array> {
    const outputs = await this.session.run({
      ...this.parameters,
      [input]: { data, shape: [data.length / columns, columns] }
    })
    return Object.values(outputs)[0]?.data as Float32Array
  }

  release(): Promise<void> {
    return this.session.release()
  }
}
