import type { DeviceName } from '../../shared/recipe'
import { GraphSession, type Tensor } from '../graph/session'
import { expertBackwardGraph, expertGraph } from './expertGraphs'
import type { ExpertsSpec } from './experts'
import type { ExpertsThere } from './expertsThere'
import type { ReadExpert } from './expertWeights'

/** What a block gives its experts, for a batch. */
export interface Routed {
  /** Inputs of the experts, [tokens, hidden]. */
  readonly input: Float32Array
  /** Routing weights, [tokens, count]; 0 where a token is not routed to an expert. */
  readonly routing: Float32Array
}

/** Computes experts on a device, one after another, each on the tokens that are routed to it. */
export class ExpertRunner {
  /** By the graph's bytes, so that blocks alike share one. */
  readonly #sessions = new Map<string, GraphSession>()
  /** What is written over for every expert and batch: inputs, outputs, and sums of batches. */
  readonly #buffers = new Map<string, Float32Array>()

  /** @param there - where experts are on the device */
  constructor(
    private readonly device: DeviceName,
    private readonly there: ExpertsThere
  ) {}

  /**
   * Adds Σₑ wₑ · expertₑ(n) to the outputs of some batches. Each expert is read once for all of them, and nobody reads one
   * that no token is routed to.
   *
   * @param outputs - of the block without its experts, [tokens, hidden] each; written to
   */
  async addTo(
    outputs: readonly Float32Array[],
    batches: readonly Routed[],
    spec: ExpertsSpec,
    read: ReadExpert
  ): Promise<void> {
    const session = await this.#session(expertGraph(spec))
    const sums = outputs.map((output, i) => this.#buffer(`sum ${i}`, output.length).fill(0))
    for (let expert = 0; expert < spec.count; expert++) {
      const tokens = batches.map((batch) => routedTokens(batch, spec.count, expert))
      if (tokens.every(({ length }) => length === 0)) continue
      await this.there.with(read, expert, async (weights) => {
        for (const [i, batch] of batches.entries()) {
          const own = tokens[i] as Int32Array
          if (own.length === 0) continue
          const shape = [own.length, spec.hiddenSize]
          const size = own.length * spec.hiddenSize
          const rows = gathered(batch.input, own, this.#buffer('rows', size))
          const sum = { data: this.#buffer('output', size), shape }
          const feeds = { ...weights, rows: { data: rows, shape }, weight: weightsOf(batch, own, spec, expert) }
          await session.run(feeds, { sum })
          addRows(sums[i] as Float32Array, sum.data, own, spec.hiddenSize)
        }
      })
    }
    for (const [i, output] of outputs.entries()) addAll(output, sums[i] as Float32Array)
  }

  /**
   * What passes back through the experts of a batch: ∂L/∂ of what `addTo` adds, as gradients of the experts' inputs and of the
   * routing weights, 0 for experts that a token is not routed to.
   *
   * @param gradient - ∂L/∂output, [tokens, hidden]
   */
  async backward(batch: Routed, gradient: Float32Array, spec: ExpertsSpec, read: ReadExpert): Promise<Routed> {
    const session = await this.#session(expertBackwardGraph(spec))
    const input = new Float32Array(batch.input.length)
    const routing = new Float32Array(batch.routing.length)
    for (let expert = 0; expert < spec.count; expert++) {
      const own = routedTokens(batch, spec.count, expert)
      if (own.length === 0) continue
      const shape = [own.length, spec.hiddenSize]
      const size = own.length * spec.hiddenSize
      const feeds = {
        rows: { data: gathered(batch.input, own, this.#buffer('rows', size)), shape },
        weight: weightsOf(batch, own, spec, expert),
        gradient: { data: gathered(gradient, own, this.#buffer('gradient', size)), shape }
      }
      const found = await this.there.with(read, expert, (weights) => session.run({ ...weights, ...feeds }))
      addRows(input, found['gradient.rows']?.data as Float32Array, own, spec.hiddenSize)
      const weights = found['gradient.weight']?.data as Float32Array
      for (const [i, token] of own.entries()) routing[token * spec.count + expert] = weights[i] as number
    }
    return { input, routing }
  }

  async release(): Promise<void> {
    for (const session of this.#sessions.values()) await session.release()
    this.#sessions.clear()
    this.#buffers.clear()
    this.there.giveBack()
  }

  /** As many values of a buffer, which grows where it is too small. */
  #buffer(name: string, length: number): Float32Array {
    const known = this.#buffers.get(name)
    const buffer = known !== undefined && known.length >= length ? known : new Float32Array(length)
    this.#buffers.set(name, buffer)
    return buffer.subarray(0, length)
  }

  async #session(graph: Uint8Array): Promise<GraphSession> {
    const key = Buffer.from(graph).toString('base64')
    const known = this.#sessions.get(key)
    if (known !== undefined) return known
    const session = await GraphSession.create(graph, this.device)
    this.#sessions.set(key, session)
    return session
  }
}

/** The tokens of a batch that are routed to an expert. */
function routedTokens({ routing }: Routed, count: number, expert: number): Int32Array {
  const tokens: number[] = []
  for (let at = expert, token = 0; at < routing.length; at += count, token++) if (routing[at] !== 0) tokens.push(token)
  return Int32Array.from(tokens)
}

/** The rows of some tokens. */
function gathered(input: Float32Array, tokens: Int32Array, rows: Float32Array): Float32Array {
  const width = rows.length / tokens.length
  for (const [i, token] of tokens.entries()) {
    rows.set(input.subarray(token * width, (token + 1) * width), i * width)
  }
  return rows
}

/** The weights of an expert for its tokens, [tokens, 1]. */
function weightsOf({ routing }: Routed, tokens: Int32Array, { count }: ExpertsSpec, expert: number): Tensor {
  const data = Float32Array.from(tokens, (token) => routing[token * count + expert] as number)
  return { data, shape: [tokens.length, 1] }
}

/** sums[token] += rows[i] for the i-th of the tokens. */
function addRows(sums: Float32Array, rows: Float32Array, tokens: Int32Array, width: number): void {
  for (const [i, token] of tokens.entries()) {
    for (let j = 0; j < width; j++) (sums[token * width + j] as number) += rows[i * width + j] as number
  }
}

function addAll(target: Float32Array, values: Float32Array): void {
  for (let i = 0; i < target.length; i++) (target[i] as number) += values[i] as number
}
