import type { GraphBuilder, Value } from '../graph/graphBuilder'
import type { LayerBuilder } from './layerBuilder'
import { constantMatrix, unitLowerInverse } from './unitLowerInverse'

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

/** Tokens whose effects on each other are worked out at once; a power of two. */
const CHUNK = 32

/** Added to logarithms of decays that would reach backward in time: exp of it is 0. */
const NEVER = -3.4028234663852886e38

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
  const size = Math.min(CHUNK, 2 ** Math.ceil(Math.log2(context)))
  const chunks = Math.ceil(context / size)
  const chunking = { context, heads, chunks, size }
  const parts = (x: Value, width: number) => chunked(graph, x, chunking, width)
  const [q, k, v] = [parts(inputs.q, keyDim), parts(inputs.k, keyDim), parts(inputs.v, valueDim)]
  const beta = parts(inputs.beta, 1)
  const decay = parts(inputs.decay, 1)
  const between = decaysBetween(graph, decay, chunking)
  const sinceStart = graph.node('Exp', [runningSums(graph, decay, chunking)])
  const untilEnd = graph.transpose(graph.slice(between, 3, size - 1, size), SWAPPED)

  const keysT = graph.transpose(k, SWAPPED)
  const written = graph.mul(k, beta)
  const inverse = unitLowerInverse(graph, graph.mul(graph.matmul(written, keysT), between), size)
  const solved = graph.matmul(inverse, graph.concat([graph.mul(v, beta), graph.mul(written, sinceStart)], -1))
  const [values, recalled] = graph.split(solved, -1, [valueDim, keyDim]) as [Value, Value]
  const scanned = scan(graph, chunks, size, {
    values,
    reads: graph.concat([recalled, graph.mul(q, sinceStart)], 3),
    writes: graph.transpose(graph.mul(k, untilEnd), SWAPPED),
    decays: graph.slice(sinceStart, 3, size - 1, size)
  })
  const within = graph.matmul(graph.mul(graph.matmul(q, keysT), between), scanned.values)
  const all = scanned.read === undefined ? within : graph.add(scanned.read, within)
  const tokens = graph.reshape(graph.transpose(all, [0, 2, 3, 1, 4]), [-1, chunks * size, heads * valueDim])
  const real = chunks * size === context ? tokens : graph.slice(tokens, 1, 0, context)
  return graph.reshape(real, [-1, heads * valueDim])
}

/** The last two axes of [rows, heads, chunks, tokens, d] changed. */
const SWAPPED = [0, 1, 2, 4, 3]

interface Chunking {
  readonly context: number
  readonly heads: number
  readonly chunks: number
  readonly size: number
}

/** [rows · context, heads · d] → [rows, heads, chunks, size, d], with zeros behind the end of a row. */
function chunked(graph: GraphBuilder, x: Value, { context, heads, chunks, size }: Chunking, width: number): Value {
  const missing = chunks * size - context
  const rows = graph.reshape(x, [-1, context, heads * width])
  const whole = missing === 0 ? rows : graph.node('Pad', [rows, graph.ints([0, 0, 0, 0, missing, 0])])
  return graph.transpose(graph.reshape(whole, [-1, chunks, size, heads, width]), [0, 3, 1, 2, 4])
}

/** Sums of x [rows, heads, chunks, size, 1] from the start of a chunk up to each token. */
function runningSums(graph: GraphBuilder, x: Value, { heads, chunks, size }: Chunking): Value {
  const before = constantMatrix(graph, [size, size], (token, end) => (token <= end ? 1 : 0))
  return graph.reshape(graph.gemm(graph.reshape(x, [-1, size]), before), [-1, heads, chunks, size, 1])
}

/**
 * What is left at token i of what token j ≤ i wrote, and 0 for others, [rows, heads, chunks, i, j]: exp of the sum of the
 * decays after j up to i. As a difference of running sums it would lose the digits of small decays behind a large one.
 */
function decaysBetween(graph: GraphBuilder, x: Value, { heads, chunks, size }: Chunking): Value {
  const isBetween = (token: number, i: number, j: number) => j < token && token <= i
  const spans = constantMatrix(graph, [size, size * size], (token, pair) =>
    isBetween(token, Math.floor(pair / size), pair % size) ? 1 : 0
  )
  const mask = constantMatrix(graph, [size, size], (i, j) => (j <= i ? 0 : NEVER))
  const sums = graph.reshape(graph.gemm(graph.reshape(x, [-1, size]), spans), [-1, heads, chunks, size, size])
  return graph.node('Exp', [graph.add(sums, mask)])
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
