import type { GraphBuilder, Value } from '../graph/graphBuilder'
import { TENSOR_LIMIT_BYTES } from '../graph/session'
import { batchRows } from './batchRows'
import type { LayerBuilder, Purpose } from './layerBuilder'
import { type Rope, rotaryTables, rotationOf } from './rope'

export interface AttentionShape {
  readonly heads: number
  /** Each key-value head serves heads / keyValueHeads consecutive query heads. */
  readonly keyValueHeads: number
  readonly headDim: number
  /** Dimensions of a value head; headDim when left out. */
  readonly valueDim?: number
  /** How heads are rotated; not at all when null or left out. */
  readonly rope?: Rope | null
  /** Neighbours rotate as pairs, (2i, 2i + 1), and not (i, i + dimensions / 2). */
  readonly interleaved?: boolean | undefined
  /** Heads rotate by −angle. */
  readonly backward?: boolean | undefined
  /** Norms of rotated queries and keys, [rows, heads, context, d] each. */
  readonly rotatedNorms?: { readonly q: (x: Value) => Value; readonly k: (x: Value) => Value } | undefined
  /** A factor of the scores of each query, by its position. */
  readonly queryFactor?: ((position: number) => number) | undefined
  /** Factor of the scores; 1 / √headDim when left out. */
  readonly scale?: number | undefined
  /** Scores are squeezed to cap · tanh(score / cap). */
  readonly softcap?: number | null
  /** ALiBi: slope of each head; slope · (position of the key) is added to the scores. */
  readonly alibiSlopes?: readonly number[]
  /** Scores of one more key for each head, [heads], which takes its share of the attention and has no value. */
  readonly sinks?: Value | undefined
  /** A query sees this many keys, itself included; all before it when null or left out. */
  readonly window?: number | null
  /** Tokens of a chunk, counted from the row's start: a query sees no keys of another one. */
  readonly chunk?: number | undefined
}

/** Queries handled together at most; with a causal mask a block of queries never looks behind its own end. */
const QUERY_BLOCK = 512
/**
 * A graph that computes no gradient parts a row into so many blocks, so that little is computed of what the mask hides, and scores
 * lie in the processor's cache. Keys and values are copied for each, so that more of them would cost more than they spare.
 */
const BLOCKS_OF_ROW = 8
/** Blocks are multiples of so many queries: whole vectors of the processor, over which sums are taken as over the whole row. */
const QUERY_STEP = 64

/** Added to scores of keys that lie ahead: the most negative float32, as transformers has it. */
const MASKED = -3.4028234663852886e38

/**
 * Causal softmax attention: softmax(q kᵀ / √d + bias + mask) v, in float32.
 *
 * Rows are padded on the right only, so the causal mask alone keeps padding out of every real position.
 *
 * @param q - [rows · context, heads · d]; k: [rows · context, keyValueHeads · d]; v the same with valueDim
 * @returns [rows · context, heads · valueDim]
 */
export function causalAttention(
  layer: LayerBuilder,
  { q, k, v }: { q: Value; k: Value; v: Value },
  shape: AttentionShape
): Value {
  const { graph, context } = layer
  const { heads, keyValueHeads, headDim, valueDim = headDim } = shape
  layer.attentionHeads = Math.max(layer.attentionHeads, heads)
  const group = heads / keyValueHeads
  const [normQueries, normKeys] = [shape.rotatedNorms?.q ?? unchanged, shape.rotatedNorms?.k ?? unchanged]
  const queries = normQueries(rotate(graph, splitHeads(graph, q, context, heads, headDim), shape, context))
  const keys = normKeys(rotate(graph, splitHeads(graph, k, context, keyValueHeads, headDim), shape, context))
  const values = splitHeads(graph, v, context, keyValueHeads, valueDim) // [rows, kv, context, valueDim]
  const scaled = graph.mul(queries, queryFactors(graph, shape, context))
  const keysT = graph.transpose(keys, [0, 1, 3, 2]) // [rows, kv, d, context]
  const parts: Value[] = []
  const keysAndSink = shape.sinks === undefined ? context : context + 1
  for (const [begin, end] of queryBlocks(context, heads, keysAndSink, layer.purpose, layer.tensorLimit)) {
    const some = begin === 0 && end === context
    const block = some ? scaled : graph.slice(scaled, 2, begin, end) // [rows, heads, block, d]
    const visibleKeys = end === context ? keysT : graph.slice(keysT, 3, 0, end)
    const visibleValues = end === context ? values : graph.slice(values, 2, 0, end)
    const grouped = graph.reshape(block, [-1, keyValueHeads, group * (end - begin), headDim])
    const scores = graph.reshape(graph.matmul(grouped, visibleKeys), [-1, heads, end - begin, end])
    const masked = graph.add(biased(graph, scores, shape, end), mask(graph, begin, end, shape))
    const weights =
      shape.sinks === undefined ? graph.softmax(masked) : besideSinks(graph, masked, shape.sinks, heads, end)
    const flat = graph.reshape(weights, [-1, keyValueHeads, group * (end - begin), end])
    parts.push(graph.reshape(graph.matmul(flat, visibleValues), [-1, heads, end - begin, valueDim]))
  }
  const merged = parts.length === 1 ? (parts[0] as Value) : graph.concat(parts, 2)
  return graph.reshape(graph.transpose(merged, [0, 2, 1, 3]), [-1, heads * valueDim])
}

const unchanged = (x: Value): Value => x

/** What queries are multiplied by: a number, or one for each position, [context, 1]. */
function queryFactors(graph: GraphBuilder, { scale, headDim, queryFactor }: AttentionShape, context: number): Value {
  const factor = scale ?? 1 / Math.sqrt(headDim)
  if (queryFactor === undefined) return graph.scalar(factor)
  const factors = Float32Array.from({ length: context }, (_, position) => factor * queryFactor(position))
  return graph.floats(factors, [context, 1])
}

/** [rows · context, heads · d] → [rows, heads, context, d]. */
const splitHeads = (graph: GraphBuilder, x: Value, context: number, heads: number, headDim: number): Value =>
  graph.transpose(graph.reshape(x, [-1, context, heads, headDim]), [0, 2, 1, 3])

/** Rotates the first dimensions of each head: pairs are (i, i + dimensions / 2), or neighbours where they are interleaved. */
function rotate(graph: GraphBuilder, x: Value, shape: AttentionShape, context: number): Value {
  const { rope, headDim, interleaved, backward = false } = shape
  if (rope == null || rope.size === 0) return x
  const rotation = rotationOf(rope, context)
  const half = rotation.frequencies.length
  const tables = rotaryTables(rotation, context)
  const cos = graph.floats(tables.cos, [context, half])
  const sin = graph.floats(backward ? tables.sin.map((value) => -value) : tables.sin, [context, half])
  const rest = headDim - 2 * half
  const [first, second, passed] = interleaved ? neighbours(graph, x, half, rest) : halves(graph, x, half, rest)
  const rotated = [
    graph.sub(graph.mul(first, cos), graph.mul(second, sin)),
    graph.add(graph.mul(second, cos), graph.mul(first, sin))
  ]
  return graph.concat(passed === undefined ? rotated : [...rotated, passed], -1)
}

type Pairs = [first: Value, second: Value, passed?: Value]

const halves = (graph: GraphBuilder, x: Value, half: number, rest: number): Pairs =>
  graph.split(x, -1, rest > 0 ? [half, half, rest] : [half, half]) as Pairs

/** Queries and keys keep the order in which this takes them apart: it is the same for both, so their products are the same. */
function neighbours(graph: GraphBuilder, x: Value, half: number, rest: number): Pairs {
  const [rotating, passed] = rest > 0 ? graph.split(x, -1, [2 * half, rest]) : [x]
  const pairs = graph.split(graph.reshape(rotating as Value, [0, 0, 0, half, 2]), -1, [1, 1])
  const [first, second] = pairs.map((each) => graph.reshape(each, [0, 0, 0, half])) as [Value, Value]
  return passed === undefined ? [first, second] : [first, second, passed]
}

/** Blocks of queries whose scores [rows, heads, block, keys] of a batch stay below the tensor limit. */
function queryBlocks(
  context: number,
  heads: number,
  keys: number,
  purpose: Purpose,
  tensorLimit = TENSOR_LIMIT_BYTES
): [number, number][] {
  const fitting = Math.floor(tensorLimit / (4 * batchRows(context) * heads * keys))
  const size = Math.max(1, Math.min(purpose === 'gradients' ? QUERY_BLOCK : forwardBlock(context), fitting))
  return Array.from({ length: Math.ceil(context / size) }, (_, i) => [i * size, Math.min(context, (i + 1) * size)])
}

const forwardBlock = (context: number): number =>
  Math.min(QUERY_BLOCK, QUERY_STEP * Math.ceil(context / (BLOCKS_OF_ROW * QUERY_STEP)))

/** Scores of a block of queries, with bias and mask, and as weights; of the block or batch before, as much is not given back. */
const SCORE_TENSORS = 3

/** Bytes of the largest scores of a batch, as far as queries are not parted for their sake: those of gradients are the largest. */
export const largestScoreBytes = (heads: number, context: number): number =>
  4 * batchRows(context) * heads * Math.min(QUERY_BLOCK, context) * (context + 1)

/** Bytes of each tensor that attention over rows of so many tokens works with: scores of a block of queries, of all rows of a batch. */
export function scoreBytes(heads: number, context: number, rows: number, purpose: Purpose): number[] {
  if (heads === 0) return []
  const scores = queryBlocks(context, heads, context, purpose).map(([begin, end]) => (end - begin) * end)
  const last = Math.max(...scores)
  const before = scores.length === 1 ? last : Math.max(...scores.filter((_, i) => i !== scores.indexOf(last)))
  return Array.from({ length: SCORE_TENSORS }, () => [4 * rows * heads * last, 4 * rows * heads * before]).flat()
}

/** Bytes of the masks that stand in the graph of a block with attention, of all blocks of queries. */
export const maskBytes = (heads: number, context: number): number =>
  heads === 0
    ? 0
    : queryBlocks(context, heads, context, 'forward').reduce((sum, [begin, end]) => sum + 4 * (end - begin) * end, 0)

/** cap · tanh(x / cap): nearly x below the cap, never beyond it. */
export const softcapped = (graph: GraphBuilder, x: Value, cap: number): Value =>
  graph.mul(graph.node('Tanh', [graph.div(x, graph.scalar(cap))]), graph.scalar(cap))

/** The softmax of scores [rows, heads, queries, keys] beside the sink of each head, which is left out of the result. */
function besideSinks(graph: GraphBuilder, scores: Value, sinks: Value, heads: number, end: number): Value {
  const none = graph.mul(graph.slice(scores, 3, 0, 1), graph.scalar(0))
  const column = graph.add(none, graph.reshape(sinks, [1, heads, 1, 1]))
  return graph.slice(graph.softmax(graph.concat([column, scores], 3)), 3, 1, end + 1)
}

/** The derivative of cap · tanh(x / cap), from its value: 1 − (value / cap)². */
export function capSlope(graph: GraphBuilder, value: Value, cap: number): Value {
  const share = graph.div(value, graph.scalar(cap))
  return graph.sub(graph.scalar(1), graph.mul(share, share))
}

/** Scores with soft cap and ALiBi's bias. A key's position of a key counts from the row's start; pads lie behind every real key. */
function biased(graph: GraphBuilder, raw: Value, { alibiSlopes, heads, softcap }: AttentionShape, end: number): Value {
  const scores = softcap == null ? raw : softcapped(graph, raw, softcap)
  if (alibiSlopes === undefined) return scores
  const bias = Float32Array.from({ length: heads * end }, (_, i) => (alibiSlopes[Math.floor(i / end)] ?? 0) * (i % end))
  return graph.add(scores, graph.floats(bias, [heads, 1, end]))
}

/** [end − begin, end]: 0 where a query sees a key (key ≤ query, within window and chunk), else the most negative number. */
function mask(graph: GraphBuilder, begin: number, end: number, { window, chunk }: AttentionShape): Value {
  const values = new Float32Array((end - begin) * end)
  for (let query = begin; query < end; query++) {
    const row = (query - begin) * end
    values.fill(MASKED, row + query + 1, row + end)
    if (window != null) values.fill(MASKED, row, row + Math.max(0, query - window + 1))
    if (chunk !== undefined) values.fill(MASKED, row, row + query - (query % chunk))
  }
  return graph.floats(values, [end - begin, end])
}
