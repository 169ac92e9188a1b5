import type { GraphBuilder, Value } from '../graph/graphBuilder'
import { CHUNK, type Chunking, chunked, chunkingOf, unchunked } from './chunks'
import type { LayerBuilder } from './layerBuilder'

export interface ScanInputs {
  /** What tokens write, before its time step, [rows · context, channels]. */
  readonly x: Value
  /** Time steps Δ > 0, [rows · context, channels]. */
  readonly step: Value
  /** Rates A < 0 of the states of each channel, [channels, stateDim]. */
  readonly rate: Value
  /** Keys and queries, which all channels have in common, [rows · context, stateDim] each. */
  readonly B: Value
  readonly C: Value
}

export interface ScanShape {
  readonly channels: number
  readonly stateDim: number
}

/**
 * The selective scan of Mamba-1: each channel d has a state h [stateDim] of its own, zero before a row, and each value n of it
 * fades by itself:
 *
 *     h_nd ← exp(Δ_d A_dn) h_nd + Δ_d x_d B_n;   y_d = Σ_n C_n h_nd
 *
 * No product of matrices does that. Rows are cut into chunks; token by token, but in all chunks at once, what a chunk makes of
 * nothing is worked out (h⁰), then from chunk to chunk what each begins with, h ← exp(A Σ Δ) h + h⁰, then token by token again
 * what is read. So the states of one token of each chunk lie in memory at a time, and the graph has as many nodes as chunks and
 * their tokens, not as rows have tokens. All of it is float32; a row is padded on the right only, with Δ = 0.
 *
 * Source: Gu and Dao 2023, arXiv 2312.00752, section 3; transformers modeling_jamba.
 *
 * @returns [rows · context, channels]
 */
export function selectiveScan(layer: LayerBuilder, inputs: ScanInputs, shape: ScanShape): Value {
  const { graph, context } = layer
  const { channels, stateDim } = shape
  const chunking = chunkingOf(context, Math.max(CHUNK, 2 ** Math.ceil(Math.log2(context) / 2)))
  layer.scratch.push(...scratch(shape))
  // Of every token its decay and what it adds, and in both goes the state before it and what is read or left of it.
  layer.remembered.push(...Array(6).fill(channels * stateDim))
  const all = inChunks(graph, inputs, shape, chunking)
  const tokens = tokensOf(graph, all, shape, chunking)
  const rate = graph.transpose(inputs.rate, [1, 0])
  let state = chunking.chunks === 1 ? undefined : beginnings(layer, all.step, rate, tokens, shape, chunking)
  const read: Value[] = []
  for (const token of tokens) {
    state = after(layer, token, rate, state, read.at(-1))
    read.push(graph.matmul(token.query, state))
  }
  const y = graph.reshape(joined(graph, read, 2), [-1, 1, chunking.chunks, chunking.size, channels])
  return unchunked(graph, y, chunking, [1, channels])
}

/** Of the tokens at one place of their chunks. */
interface Token {
  /** Δ and Δ x, [rows, chunks, 1, channels]. */
  readonly step: Value
  readonly written: Value
  /** [rows, chunks, stateDim, 1]. */
  readonly key: Value
  /** [rows, chunks, 1, stateDim]. */
  readonly query: Value
}

/** The same of all tokens, [rows, chunks, size, channels or stateDim]. */
interface Chunked {
  readonly step: Value
  readonly written: Value
  readonly B: Value
  readonly C: Value
}

function inChunks(
  graph: GraphBuilder,
  inputs: ScanInputs,
  { channels, stateDim }: ScanShape,
  chunking: Chunking
): Chunked {
  const { chunks, size } = chunking
  const cut = (x: Value, width: number) =>
    graph.reshape(chunked(graph, x, chunking, [1, width]), [-1, chunks, size, width])
  return {
    step: cut(inputs.step, channels),
    written: cut(graph.mul(inputs.step, inputs.x), channels),
    B: cut(inputs.B, stateDim),
    C: cut(inputs.C, stateDim)
  }
}

function tokensOf(graph: GraphBuilder, all: Chunked, { stateDim }: ScanShape, { chunks, size }: Chunking): Token[] {
  const each = (x: Value) => (size === 1 ? [x] : graph.split(x, 2, Array(size).fill(1)))
  const [steps, writes, keys, queries] = [all.step, all.written, all.B, all.C].map(each) as [
    Value[],
    Value[],
    Value[],
    Value[]
  ]
  return steps.map((step, i) => ({
    step,
    written: writes[i] as Value,
    key: graph.reshape(keys[i] as Value, [-1, chunks, stateDim, 1]),
    query: queries[i] as Value
  }))
}

/**
 * exp(Δ A) h + Δ x B, [rows, chunks, stateDim, channels], with A [stateDim, channels]; h is zero where it is left out.
 *
 * What a token is made of does not depend on the state before it, and what is read of a state may wait. A runtime computes what it
 * can before it goes on, and nodes alike once, so that decays, what is added and states of all tokens would lie in memory at
 * once, each as large as all states: zeros that are made of what comes before keep tokens waiting for their turn. A gradient
 * keeps all of it anyway, and then what both goes make alike is better made once.
 *
 * @param before - what was read before, [rows, chunks, 1, channels]; left out where nothing is read
 */
function after({ graph, purpose }: LayerBuilder, token: Token, rate: Value, state?: Value, before?: Value): Value {
  const { step, written, key } = token
  if (state === undefined) return graph.mul(key, written)
  const nothing = graph.detach(graph.mul(before ?? graph.slice(state, 2, 0, 1), graph.scalar(0)))
  const inTurn = (x: Value) => (purpose === 'forward' ? graph.add(x, nothing) : x)
  return graph.add(graph.mul(decay(graph, inTurn(step), rate), state), graph.mul(key, inTurn(written)))
}

const decay = (graph: GraphBuilder, step: Value, rate: Value): Value => graph.node('Exp', [graph.mul(step, rate)])

/** The states that the chunks of each row begin with, [rows, chunks, stateDim, channels]. */
function beginnings(
  layer: LayerBuilder,
  step: Value,
  rate: Value,
  tokens: readonly Token[],
  { channels, stateDim }: ScanShape,
  { chunks }: Chunking
): Value {
  const { graph } = layer
  const alone = tokens.reduce<Value | undefined>((state, token) => after(layer, token, rate, state), undefined) as Value
  const left = decay(graph, graph.sum(step, [2]), rate)
  const each = (x: Value) => graph.split(x, 1, Array(chunks).fill(1))
  const [ends, lefts] = [each(alone), each(left)]
  const begun = [graph.mul(ends[0] as Value, graph.scalar(0)), ends[0] as Value]
  for (let i = 1; i < chunks - 1; i++) {
    begun.push(graph.add(graph.mul(lefts[i] as Value, begun[i] as Value), ends[i] as Value))
  }
  return graph.reshape(graph.concat(begun, 1), [-1, chunks, stateDim, channels])
}

const joined = (graph: GraphBuilder, parts: readonly Value[], axis: number): Value =>
  parts.length === 1 ? (parts[0] as Value) : graph.concat(parts, axis)

/** Values of each token: Δ, Δ x and y twice, and of one token of each chunk its decay, what it adds, and states before and after. */
const scratch = ({ channels, stateDim }: ScanShape): number[] => [
  ...Array(6).fill(channels),
  ...Array(5).fill(Math.ceil((channels * stateDim) / CHUNK))
]
