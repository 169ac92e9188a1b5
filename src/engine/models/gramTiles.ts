import type { GraphBuilder, Value } from '../graph/graphBuilder'
import { TENSOR_LIMIT_BYTES } from '../graph/session'

/** A rectangle of a Gram matrix Σ x xᵀ of one distinct input: where its first entry stands, and its size. */
export interface GramTile {
  readonly input: number
  readonly row: number
  readonly column: number
  readonly rows: number
  readonly columns: number
}

/** A tile as an output of a graph. */
export interface GramOutput extends GramTile {
  readonly output: string
}

/** How a graph gives Gram matrices: each for itself, or added to what it is given of them. */
export type GramSum = 'alone' | 'added'

/** Name of the input with what a tile is added to. */
export const addedInput = (output: string): string => `added.${output}`

/** Squares narrower than twice that are not cut again: below, products are too small to be worth fewer of them. */
const SMALLEST = 256
/** Cuts lie between vectors of the processor. */
const VECTOR = 16

/** Columns of the left half of a square that is cut. */
const halfOf = (size: number): number => VECTOR * Math.ceil(size / 2 / VECTOR)

/** Bytes of the largest tile of XᵀX, as far as its rows are not parted. */
export function largestTileBytes(features: number): number {
  const side = features < 2 * SMALLEST ? features : halfOf(features)
  return 4 * side * side
}

/** The share of XᵀX that is made: (1 + 1 / squares) / 2. */
export function triangleShare(features: number): number {
  let squares = 1
  for (let size = features; size >= 2 * SMALLEST; size = halfOf(size)) squares *= 2
  return (1 + 1 / squares) / 2
}

/**
 * XᵀX [features, features] of X [tokens, features], as outputs that together hold its upper triangle: cut into halves again
 * and again, X = [L R], so that of
 *
 *     XᵀX = [LᵀL LᵀR; RᵀL RᵀR]
 *
 * RᵀL, the mirror image of LᵀR, is never made. That is 9/16 of the products at eight squares, and 17/32 at sixteen.
 *
 * @param of - the input, what its tiles are added to, and the largest tile, bytes
 */
export function upperTriangle(
  graph: GraphBuilder,
  X: Value,
  of: { input: number; features: number; sum?: GramSum; tensorLimit?: number }
): GramOutput[] {
  const outputs: GramOutput[] = []
  const { tensorLimit = TENSOR_LIMIT_BYTES } = of
  const add = (left: Value, right: Value, tile: Omit<GramTile, 'input'>): void => {
    const height = Math.max(1, Math.floor(tensorLimit / (4 * tile.columns)))
    for (let begin = 0; begin < tile.rows; begin += height) {
      const rows = Math.min(height, tile.rows - begin)
      const part = rows === tile.rows ? left : graph.slice(left, 1, begin, begin + rows)
      const output = `gram.${of.input}.${outputs.length}`
      const shape = [rows, tile.columns]
      const before = of.sum === 'added' ? { bias: graph.input(addedInput(output), shape) } : {}
      graph.output(output, graph.gemm(part, right, { transA: 1, ...before }), shape)
      outputs.push({ ...tile, input: of.input, row: tile.row + begin, rows, output })
    }
  }
  const cut = (value: Value, begin: number, size: number): void => {
    if (size < 2 * SMALLEST) {
      add(value, value, { row: begin, column: begin, rows: size, columns: size })
      return
    }
    const half = halfOf(size)
    const [left, right] = graph.split(value, 1, [half, size - half]) as [Value, Value]
    add(left, right, { row: begin, column: begin + half, rows: half, columns: size - half })
    cut(left, begin, half)
    cut(right, begin + half, size - half)
  }
  cut(X, 0, of.features)
  return outputs
}
