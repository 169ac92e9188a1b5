import type { GraphBuilder, Value } from '../graph/graphBuilder'
import { byToken, chunked, chunkingOf, decaysBetween, runningSums, unchunked } from './chunks'
import type { LayerBuilder } from './layerBuilder'
import { unitLowerInverse } from './unitLowerInverse'

export interface DeltaRuleShape {
  readonly heads: number
  /** Dimensions of a key and of a query. */
  readonly keyDim: number
  readonly valueDim: number
}

/** [rows · context, heads · d] each; `decay` and `beta` [rows · context, heads]. */
export interface DeltaRuleInputs {
  readonly q: Value
  readonly k: Value
  readonly v: Value
  /** Logarithm of what a token leaves of the state before it, ≤ 0. */
  readonly decay: Value
  /** Share of a value that a token writes. */
  readonly beta: Value
}

/**
 * The gated delta rule, with a state S [keyDim, valueDim] of each head that is zero before a row:
 *
 *     S ← exp(decay_t) S;   S ← S + k_t β_t (v_t − S kᵀ_t);   o_t = S q_t
 *
 * in chunks of C tokens, as products of matrices. With c the decays of a chunk summed up to each token and
 * Γ_ij = exp(c_i − c_j) for j ≤ i, the new values U of a chunk solve (I + tril₋₁(β K Kᵀ ∘ Γ)) U = β (V − exp(c) K S), so
 *
 *     O = exp(c) Q S + (Q Kᵀ ∘ Γ) U;   S ← exp(c_C) S + (exp(c_C − c) K)ᵀ U
 *
 * A row is padded on the right only, and nothing looks ahead: pads enter no state that a token sees. All of it is float32.
 *
 * Source: Yang et al. 2024, arXiv 2412.06464 (Gated Delta Networks), and arXiv 2406.06484 for the chunks.
 *
 * @returns [rows · context, heads · valueDim]
 */
export function gatedDeltaRule(layer: LayerBuilder, inputs: DeltaRuleInputs, shape: DeltaRuleShape): Value {
  const { graph, context } = layer
  const { heads, keyDim, valueDim } = shape
  const chunking = chunkingOf(context)
  const { chunks, size } = chunking
  const parts = (x: Value, width: number) => chunked(graph, x, chunking, [heads, width])
  const [q, k, v] = [parts(inputs.q, keyDim), parts(inputs.k, keyDim), parts(inputs.v, valueDim)]
  const beta = parts(inputs.beta, 1)
  const decay = parts(inputs.decay, 1)
  const between = decaysBetween(graph, decay, size, [-1, heads, chunks, size, size])
  const sinceStart = graph.node('Exp', [runningSums(graph, decay, size, [-1, heads, chunks, size, 1])])
  const untilEnd = byToken(graph, graph.slice(between, 3, size - 1, size))

  const keysT = byToken(graph, k)
  const written = graph.mul(k, beta)
  const inverse = unitLowerInverse(graph, graph.mul(graph.matmul(written, keysT), between), size)
  const solved = graph.matmul(inverse, graph.concat([graph.mul(v, beta), graph.mul(written, sinceStart)], -1))
  const [values, recalled] = graph.split(solved, -1, [valueDim, keyDim]) as [Value, Value]
  const scanned = scan(graph, chunks, size, {
    values,
    reads: graph.concat([recalled, graph.mul(q, sinceStart)], 3),
    writes: byToken(graph, graph.mul(k, untilEnd)),
    decays: graph.slice(sinceStart, 3, size - 1, size)
  })
  const within = graph.matmul(graph.mul(graph.matmul(q, keysT), between), scanned.values)
  const all = scanned.read === undefined ? within : graph.add(scanned.read, within)
  return unchunked(graph, all, chunking, [heads, valueDim])
}

/** [rows, heads, chunks, …] each. */
interface Scanned {
  /** What a chunk would write without a state before it, [size, valueDim]. */
  readonly values: Value
  /** What its writing and its reading make of the state before it, [2 · size, keyDim]. */
  readonly reads: Value
  /** What it adds to the state, times its values, [keyDim, size]. */
  readonly writes: Value
  /** What it leaves of the state, [1, 1]. */
  readonly decays: Value
}

/**
 * Goes over the chunks with the state [rows, heads, 1, keyDim, valueDim].
 *
 * @returns what each chunk writes and what it reads of the state before it, [rows, heads, chunks, size, valueDim]; of one
 *   chunk alone nothing is before it
 */
function scan(graph: GraphBuilder, chunks: number, size: number, all: Scanned): { values: Value; read?: Value } {
  if (chunks === 1) return { values: all.values }
  const each = (x: Value) => graph.split(x, 2, Array(chunks).fill(1))
  const [values, reads, writes, decays] = [each(all.values), each(all.reads), each(all.writes), each(all.decays)]
  const [first] = values as [Value]
  const [written, read] = [[first], [graph.mul(first, graph.scalar(0))]]
  let state = graph.matmul(writes[0] as Value, first)
  for (let i = 1; i < chunks; i++) {
    const [known, seen] = graph.split(graph.matmul(reads[i] as Value, state), 3, [size, size]) as [Value, Value]
    const added = graph.sub(values[i] as Value, known)
    written.push(added)
    read.push(seen)
    state = graph.add(graph.mul(state, decays[i] as Value), graph.matmul(writes[i] as Value, added))
  }
  return { values: graph.concat(written, 2), read: graph.concat(read, 2) }
}
