import type { Tensor } from '../graph/session'
import { expertBackwardGraph, expertGraph } from './expertGraphs'
import type { ExpertSessions } from './expertSessions'
import type { ExpertsSpec } from './experts'
import type { ExpertsThere } from './expertsThere'
import type { ReadExpert } from './expertWeights'
import { type Routed, routedTokens } from './routedTokens'

/** Gathers the rows of each expert here, and adds up here what it makes of them. */
export class ExpertRowsHere {
  /** What is written over for every expert and batch. */
  readonly #buffers = new Map<string, Float32Array>()

  constructor(
    private readonly sessions: ExpertSessions,
    private readonly there: ExpertsThere
  ) {}

  /** As `ExpertRunner.sum`; holds until the next one. */
  async sum(batch: Routed<Tensor>, spec: ExpertsSpec, read: ReadExpert): Promise<Tensor> {
    const session = await this.sessions.of(expertGraph(spec))
    const { input } = batch
    const sums = this.#buffer('sum', input.data.length).fill(0)
    for (const { expert, tokens, weight } of routedTokens(batch, spec)) {
      const rows = this.#gathered('rows', input, tokens)
      const sum = { data: this.#buffer('output', rows.data.length), shape: rows.shape }
      await this.there.with(read, expert, (weights) => session.run({ ...weights, rows, weight }, { sum }))
      addRows(sums, sum.data, tokens, spec.hiddenSize)
    }
    return { data: sums, shape: input.shape }
  }

  /** As `ExpertRunner.backward`. */
  async backward(
    batch: Routed<Tensor>,
    gradient: Tensor,
    spec: ExpertsSpec,
    read: ReadExpert
  ): Promise<Routed<Tensor>> {
    const session = await this.sessions.of(expertBackwardGraph(spec))
    const input = new Float32Array(batch.input.data.length)
    const routing = new Float32Array(batch.routing.length)
    for (const { expert, tokens, weight } of routedTokens(batch, spec)) {
      const rows = this.#gathered('rows', batch.input, tokens)
      const feeds = { rows, weight, gradient: this.#gathered('gradient', gradient, tokens) }
      const found = await this.there.with(read, expert, (weights) => session.run({ ...weights, ...feeds }))
      addRows(input, found['gradient.rows']?.data as Float32Array, tokens, spec.hiddenSize)
      const weights = found['gradient.weight']?.data as Float32Array
      for (const [i, token] of tokens.entries()) routing[token * spec.count + expert] = weights[i] as number
    }
    return { input: { data: input, shape: batch.input.shape }, routing }
  }

  release(): void {
    this.#buffers.clear()
  }

  /** The rows of some tokens, in a buffer of that name. */
  #gathered(name: string, { data, shape: [, width = 0] }: Tensor, tokens: Int32Array): Tensor & { data: Float32Array } {
    const rows = this.#buffer(name, tokens.length * width)
    for (const [i, token] of tokens.entries()) rows.set(data.subarray(token * width, (token + 1) * width), i * width)
    return { data: rows, shape: [tokens.length, width] }
  }

  /** As many values of a buffer, which grows where it is too small. */
  #buffer(name: string, length: number): Float32Array {
    const known = this.#buffers.get(name)
    const buffer = known !== undefined && known.length >= length ? known : new Float32Array(length)
    this.#buffers.set(name, buffer)
    return buffer.subarray(0, length)
  }
}

/** sums[token] += rows[i] for the i-th of the tokens. */
function addRows(sums: Float32Array, rows: Float32Array, tokens: Int32Array, width: number): void {
  for (const [i, token] of tokens.entries()) {
    for (let j = 0; j < width; j++) (sums[token * width + j] as number) += rows[i * width + j] as number
  }
}
