import type { GraphBuilder, Value } from '../graph/graphBuilder'
import { chunked, chunkingOf, decaysBetween, runningSums, unchunked } from './chunks'
import type { LayerBuilder } from './layerBuilder'

export interface StatesShape {
  readonly heads: number
  /** Dimensions of what a head writes and of what it gives. */
  readonly headDim: number
  /** Groups of consecutive heads, each of which has its keys and its queries in common. */
  readonly groups: number
  /** Dimensions of a key and of a query. */
  readonly stateDim: number
}

export interface StatesInputs {
  /** What tokens write, [rows · context, heads · headDim]. */
  readonly x: Value
  /** Logarithm of what a token leaves of the state before it, ≤ 0, [rows · context, heads]. */
  readonly decay: Value
  /** Keys and queries, [rows · context, groups · stateDim] each. */
  readonly B: Value
  readonly C: Value
}

/**
 * Selective states as of Mamba-2, with a state S [stateDim, headDim] of each head that is zero before a row:
 *
 *     S ← exp(decay_t) S + B_tᵀ x_t;   y_t = C_t S
 *
 * in chunks of tokens, as products of matrices. With c the decays of a chunk summed up to each token, n its last one and
 * Γ_ij = exp(c_i − c_j) for j ≤ i,
 *
 *     Y = (C Bᵀ ∘ Γ) X + exp(c) C S;   S ← exp(c_n) S + Bᵀ (exp(c_n − c) X)
 *
 * A row is padded on the right only, and nothing looks ahead: pads enter no state that a token sees. All of it is float32.
 *
 * Source: Dao and Gu 2024, arXiv 2405.21060, section 6.
 *
 * @returns [rows · context, heads · headDim]
 */
export function selectiveStates(layer: LayerBuilder, inputs: StatesInputs, shape: StatesShape): Value {
  const { graph, context } = layer
  const { heads, headDim, groups, stateDim } = shape
  const chunking = chunkingOf(context)
  const { chunks, size } = chunking
  const own = { chunks, size, heads: heads / groups, headDim }
  const width = own.heads * headDim
  const byGroup = (value: Value, values: number) =>
    graph.reshape(chunked(graph, value, chunking, [groups, values]), [-1, chunks, size, values])
  const [x, B, C] = [byGroup(inputs.x, width), byGroup(inputs.B, stateDim), byGroup(inputs.C, stateDim)]
  const decays = graph.transpose(byGroup(inputs.decay, own.heads), SWAPPED)

  const between = decaysBetween(graph, decays, size, [-1, chunks, own.heads, size, size])
  const keys = graph.transpose(B, SWAPPED)
  const scores = graph.reshape(graph.matmul(C, keys), [-1, chunks, 1, size, size])
  const within = headsBehind(graph, graph.matmul(graph.mul(between, scores), headsBefore(graph, x, own)), own)
  const states = { x, keys, queries: C, decays, between }
  const y = chunks === 1 ? within : graph.add(within, fromStatesBefore(graph, states, own, stateDim))
  const byChunk = graph.reshape(y, [-1, groups, chunks, size, width])
  return unchunked(graph, byChunk, chunking, [groups, width])
}

/** Of one group of heads, in chunks. */
interface GroupShape {
  readonly chunks: number
  readonly size: number
  readonly heads: number
  readonly headDim: number
}

/** Parts with rows and groups as their first axis, b. */
interface States {
  /** [b, chunks, tokens, heads · headDim]. */
  readonly x: Value
  /** [b, chunks, stateDim, tokens]. */
  readonly keys: Value
  /** [b, chunks, tokens, stateDim]. */
  readonly queries: Value
  /** [b, chunks, heads, tokens]. */
  readonly decays: Value
  /** [b, chunks, heads, tokens i, tokens j]. */
  readonly between: Value
}

/** The last two axes of [b, chunks, y, x] changed. */
const SWAPPED = [0, 1, 3, 2]

/** exp(c) C S, [b, chunks, tokens, heads · headDim]. */
function fromStatesBefore(graph: GraphBuilder, parts: States, shape: GroupShape, stateDim: number): Value {
  const { chunks, size, heads } = shape
  const ofTokens = (factors: Value): Value =>
    graph.reshape(graph.transpose(factors, SWAPPED), [-1, chunks, size, heads, 1])
  const sinceStart = ofTokens(graph.node('Exp', [runningSums(graph, parts.decays, size, [-1, chunks, heads, size])]))
  const lastRow = graph.slice(parts.between, 3, size - 1, size)
  const untilEnd = ofTokens(graph.reshape(lastRow, [-1, chunks, heads, size]))
  const each = (value: Value) => graph.split(value, 1, Array(chunks).fill(1))
  const [keys, queries] = [each(parts.keys), each(parts.queries)]
  const writes = each(scaledHeads(graph, parts.x, untilEnd, shape))
  const kept = each(graph.slice(sinceStart, 2, size - 1, size))

  let state = graph.matmul(keys[0] as Value, writes[0] as Value)
  const read = [graph.mul(writes[0] as Value, graph.scalar(0))]
  for (let i = 1; i < chunks; i++) {
    read.push(graph.matmul(queries[i] as Value, state))
    if (i === chunks - 1) break
    const left = scaledHeads(graph, state, kept[i] as Value, { ...shape, chunks: 1, size: stateDim })
    state = graph.add(left, graph.matmul(keys[i] as Value, writes[i] as Value))
  }
  return scaledHeads(graph, graph.concat(read, 1), sinceStart, shape)
}

/** x [b, chunks, tokens, heads · headDim] times a factor of each head, [b, chunks, tokens or 1, heads, 1]. */
function scaledHeads(graph: GraphBuilder, x: Value, factors: Value, shape: GroupShape): Value {
  const { chunks, size, heads, headDim } = shape
  const scaled = graph.mul(graph.reshape(x, [-1, chunks, size, heads, headDim]), factors)
  return graph.reshape(scaled, [-1, chunks, size, heads * headDim])
}

/** [b, chunks, tokens, heads · headDim] → [b, chunks, heads, tokens, headDim]. */
const headsBefore = (graph: GraphBuilder, x: Value, { chunks, size, heads, headDim }: GroupShape): Value =>
  graph.transpose(graph.reshape(x, [-1, chunks, size, heads, headDim]), [0, 1, 3, 2, 4])

/** The reverse. */
const headsBehind = (graph: GraphBuilder, x: Value, { chunks, size, heads, headDim }: GroupShape): Value =>
  graph.reshape(graph.transpose(x, [0, 1, 3, 2, 4]), [-1, chunks, size, heads * headDim])
