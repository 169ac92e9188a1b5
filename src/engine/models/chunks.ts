import type { GraphBuilder, Value } from '../graph/graphBuilder'
import { constantMatrix } from './unitLowerInverse'

/*
 * Rows cut into chunks of tokens: how a state that every token changes is computed as products of matrices, within a chunk at
 * once and from chunk to chunk one after the other.
 */

/** Tokens whose effects on each other are worked out at once; a power of two. */
export const CHUNK = 32

/** Added to logarithms of decays that would reach backward in time: exp of it is 0. */
const NEVER = -3.4028234663852886e38

/** How rows of `context` tokens are cut; the last chunk may be longer than what is left of a row. */
export interface Chunking {
  readonly context: number
  readonly chunks: number
  /** Tokens of a chunk, a power of two. */
  readonly size: number
}

/** @param most - tokens of a chunk, a power of two */
export function chunkingOf(context: number, most = CHUNK): Chunking {
  const size = Math.min(most, 2 ** Math.ceil(Math.log2(context)))
  return { context, chunks: Math.ceil(context / size), size }
}

/** [rows · context, parts · d] → [rows, parts, chunks, size, d], with zeros behind the end of a row. */
export function chunked(graph: GraphBuilder, x: Value, chunking: Chunking, [parts, width]: Parts): Value {
  const { context, chunks, size } = chunking
  const missing = chunks * size - context
  const rows = graph.reshape(x, [-1, context, parts * width])
  const whole = missing === 0 ? rows : graph.node('Pad', [rows, graph.ints([0, 0, 0, 0, missing, 0])])
  return graph.transpose(graph.reshape(whole, [-1, chunks, size, parts, width]), [0, 3, 1, 2, 4])
}

/** The reverse: [rows, parts, chunks, size, d] → [rows · context, parts · d]. */
export function unchunked(graph: GraphBuilder, x: Value, chunking: Chunking, [parts, width]: Parts): Value {
  const { context, chunks, size } = chunking
  const tokens = graph.reshape(graph.transpose(x, [0, 2, 3, 1, 4]), [-1, chunks * size, parts * width])
  const real = chunks * size === context ? tokens : graph.slice(tokens, 1, 0, context)
  return graph.reshape(real, [-1, parts * width])
}

/** [rows, parts, chunks, size, d] ⇄ [rows, parts, chunks, d, size]: the columns of each chunk are its tokens. */
export const byToken = (graph: GraphBuilder, x: Value): Value => graph.transpose(x, [0, 1, 2, 4, 3])

/** How many there are, and the width of each. */
type Parts = readonly [count: number, width: number]

/**
 * Sums of x, whose last axis is the tokens of a chunk, from the start of the chunk up to each token.
 *
 * @param shape - of the result; −1 is what is left
 */
export function runningSums(graph: GraphBuilder, x: Value, size: number, shape: readonly number[]): Value {
  const before = constantMatrix(graph, [size, size], (token, end) => (token <= end ? 1 : 0))
  return graph.reshape(graph.gemm(graph.reshape(x, [-1, size]), before), shape)
}

/**
 * What is left at token i of what token j ≤ i wrote, and 0 for others, […, i, j]: exp of the sum of the decays after j up to
 * i. As a difference of running sums it would lose the digits of small decays behind a large one.
 *
 * @param x - logarithms of decays, whose last axis is the tokens of a chunk
 * @param shape - of the result; −1 is what is left
 */
export function decaysBetween(graph: GraphBuilder, x: Value, size: number, shape: readonly number[]): Value {
  const isBetween = (token: number, i: number, j: number) => j < token && token <= i
  const spans = constantMatrix(graph, [size, size * size], (token, pair) =>
    isBetween(token, Math.floor(pair / size), pair % size) ? 1 : 0
  )
  const mask = constantMatrix(graph, [size, size], (i, j) => (j <= i ? 0 : NEVER))
  const sums = graph.reshape(graph.gemm(graph.reshape(x, [-1, size]), spans), shape)
  return graph.node('Exp', [graph.add(sums, mask)])
}
