import type { GraphBuilder, Value } from '../graph/graphBuilder'
import { byToken, type Chunking, chunked, chunkingOf, decaysBetween, runningSums, unchunked } from './chunks'
import type { DeltaRuleInputs, DeltaRuleShape } from './deltaRule'
import type { LayerBuilder } from './layerBuilder'
import { constantMatrix, unitLowerInverse } from './unitLowerInverse'

/** Tokens of a chunk: what they leave of each other is worked out for every channel, so that larger ones take more memory. */
const TOKENS = 16

/**
 * The gated delta rule where each channel of a key fades by itself, with a state S [keyDim, valueDim] of each head that is zero
 * before a row and decays [keyDim] of each token:
 *
 *     S ← diag(exp(decay_t)) S;   S ← S + k_t β_t (v_t − S kᵀ_t);   o_t = S q_t
 *
 * in chunks of C tokens. With c the decays of a chunk summed up to each token and Γ_ijd = exp(c_id − c_jd) for j ≤ i, the new
 * values U of a chunk solve (I + tril₋₁(β Σ_d K_id K_jd Γ_ijd)) U = β (V − (exp(c) K) S), so
 *
 *     O = (exp(c) Q) S + (Σ_d Q_id K_jd Γ_ijd) U;   S ← exp(c_C) S + (exp(c_C − c) K)ᵀ U
 *
 * Γ is not parted into factors of i and of j, which would pass the range of float32 where channels fade fast. All of it is
 * float32; a row is padded on the right only.
 *
 * Source: Kimi Linear, arXiv 2510.26692; transformers modeling_kimi_linear.
 *
 * @param inputs - as of `gatedDeltaRule`, but for `decay` [rows · context, heads · keyDim]
 * @returns [rows · context, heads · valueDim]
 */
export function channelDeltaRule(layer: LayerBuilder, inputs: DeltaRuleInputs, shape: DeltaRuleShape): Value {
  const { graph, context } = layer
  const { heads, valueDim } = shape
  const chunking = chunkingOf(context, TOKENS)
  const all = wholeRows(graph, inputs, shape, chunking)
  const each = (x: Value) => (chunking.chunks === 1 ? [x] : graph.split(x, 2, Array(chunking.chunks).fill(1)))
  const parts = Object.fromEntries(Object.entries(all).map(([name, x]) => [name, each(x)])) as Record<
    keyof Chunked,
    Value[]
  >
  layer.scratch.push(...scratch(shape, chunking))
  // What each pair of tokens of a chunk leaves of every channel, alone and times the key.
  layer.remembered.push(...Array(2).fill(TOKENS * heads * shape.keyDim))

  let state: Value | undefined
  const outputs: Value[] = []
  for (let i = 0; i < chunking.chunks; i++) {
    const one = Object.fromEntries(Object.entries(parts).map(([name, list]) => [name, list[i]])) as unknown as Chunked
    const { written, recalled, within } = oneChunk(graph, one, shape, chunking.size)
    const seen = state && graph.matmul(graph.concat([recalled, one.read], 3), state)
    const [known, before] = seen ? graph.split(seen, 3, [chunking.size, chunking.size]) : []
    const added = known === undefined ? written : graph.sub(written, known)
    const here = graph.matmul(within, added)
    outputs.push(before === undefined ? here : graph.add(before, here))
    if (i === chunking.chunks - 1) break
    const update = graph.matmul(one.writes, added)
    state = state === undefined ? update : graph.add(graph.mul(state, one.left), update)
  }
  const joined = outputs.length === 1 ? (outputs[0] as Value) : graph.concat(outputs, 2)
  return unchunked(graph, joined, chunking, [heads, valueDim])
}

/** Of whole rows [rows, heads, chunks, …], or of one chunk. */
interface Chunked {
  /** Queries, keys, keys · β and logarithms of decays, [keyDim, size] each. */
  readonly q: Value
  readonly k: Value
  readonly kBeta: Value
  readonly decay: Value
  /** Values and faded keys, times β, [size, valueDim + keyDim]. */
  readonly solving: Value
  /** Faded queries, which read the state before the chunk, [size, keyDim]. */
  readonly read: Value
  /** Keys as they are left at the chunk's end, [keyDim, size]. */
  readonly writes: Value
  /** What is left of the state at its end, [keyDim, 1]. */
  readonly left: Value
}

function wholeRows(
  graph: GraphBuilder,
  inputs: DeltaRuleInputs,
  { heads, keyDim, valueDim }: DeltaRuleShape,
  chunking: Chunking
): Chunked {
  const { chunks, size } = chunking
  const parts = (x: Value, width: number) => chunked(graph, x, chunking, [heads, width])
  const swapped = (x: Value) => byToken(graph, x)
  const [q, k, v] = [parts(inputs.q, keyDim), parts(inputs.k, keyDim), parts(inputs.v, valueDim)]
  const beta = parts(inputs.beta, 1)
  const decay = swapped(parts(inputs.decay, keyDim))
  const shape = [-1, heads, chunks, keyDim, size]
  const sinceStart = graph.node('Exp', [runningSums(graph, decay, size, shape)])
  const after = constantMatrix(graph, [size, size], (token, from) => (token > from ? 1 : 0))
  const untilEnd = graph.node('Exp', [graph.reshape(graph.gemm(graph.reshape(decay, [-1, size]), after), shape)])
  const faded = swapped(sinceStart)
  const kBeta = graph.mul(k, beta)
  return {
    q: swapped(q),
    k: swapped(k),
    kBeta: swapped(kBeta),
    decay,
    solving: graph.concat([graph.mul(v, beta), graph.mul(kBeta, faded)], -1),
    read: graph.mul(q, faded),
    writes: graph.mul(swapped(k), untilEnd),
    left: graph.slice(sinceStart, 4, size - 1, size)
  }
}

/** What a chunk writes without a state before it, what its writing makes of that state, and what each token reads of each. */
function oneChunk(graph: GraphBuilder, one: Chunked, { heads, keyDim, valueDim }: DeltaRuleShape, size: number) {
  const between = decaysBetween(graph, one.decay, size, [-1, heads, keyDim, size, size])
  const fading = graph.mul(between, graph.reshape(one.k, [-1, heads, keyDim, 1, size]))
  const pairs = (x: Value) => graph.sum(graph.mul(graph.reshape(x, [-1, heads, keyDim, size, 1]), fading), [2])
  const inverse = unitLowerInverse(graph, pairs(one.kBeta), size)
  const solved = graph.matmul(inverse, one.solving)
  const [written, recalled] = graph.split(solved, -1, [valueDim, keyDim]) as [Value, Value]
  return { written, recalled, within: pairs(one.q) }
}

/** Values of each token that this works with: whole rows in nine forms, and of a chunk at a time three tensors of all pairs. */
function scratch({ heads, keyDim, valueDim }: DeltaRuleShape, { chunks, size }: Chunking): number[] {
  const pairs = Math.ceil((size * heads * keyDim) / chunks)
  return [...Array(9).fill(heads * keyDim), heads * valueDim, ...Array(3).fill(pairs)]
}
