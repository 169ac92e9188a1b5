import type { DeviceName } from '../../shared/recipe'
import { type DeviceTensor, type Feeds, GraphSession, type Tensor } from '../graph/session'
import type { PlainGraph } from './modelGraphs'
import type { ReadParameter } from './modelWeights'

/** Computes a graph of one input and one output, with its parameters read once. */
export class PlainRunner {
  /** The same, with the output left on the device. */
  #leaving: GraphSession | undefined

  private constructor(
    private readonly graph: PlainGraph,
    private readonly session: GraphSession,
    private readonly parameters: Feeds
  ) {}

  /** Whether it tells tokens from pads. */
  get readsReal(): boolean {
    return this.graph.readsReal
  }

  static async create(graph: PlainGraph, read: ReadParameter, device: DeviceName): Promise<PlainRunner> {
    const feeds: Record<string, Feeds[string]> = {}
    for (const parameter of graph.parameters) {
      feeds[parameter.name] = { data: await read(parameter), shape: parameter.shape }
    }
    return new PlainRunner(graph, await GraphSession.create(graph.model, device), feeds)
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
    const outputs = await this.session.run({
      ...this.#feeds(input, { data, shape: [data.length / columns, columns] }, real),
      ...beside
    })
    return Object.values(outputs)[0]?.data as Float32Array
  }

  /**
   * The same on a device that keeps tensors, where the output stays: the caller's to give back.
   *
   * @throws {AppError} DEVICE when the device fails
   */
  async leave(input: string, values: Tensor | DeviceTensor, real?: Float32Array): Promise<DeviceTensor> {
    this.#leaving ??= await GraphSession.create(this.graph.model, this.session.device, [this.graph.output])
    const { there } = await this.#leaving.keep(this.#feeds(input, values, real))
    return there[this.graph.output] as DeviceTensor
  }

  async release(): Promise<void> {
    await this.session.release()
    await this.#leaving?.release()
  }

  #feeds(input: string, values: Tensor | DeviceTensor, real: Float32Array | undefined): Feeds {
    const told = this.readsReal && real !== undefined && { real: { data: real, shape: [real.length, 1] } }
    return { ...this.parameters, ...told, [input]: values }
  }
}
