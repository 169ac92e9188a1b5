import { decodeFloats, encodeFloats, type FloatDtype } from '../formats/dtypes'
import type { ModelArchitecture } from './architecture'
import type { ModelWeights } from './modelWeights'

/** Values of each of the two that are read at once. */
const PIECE_VALUES = 2 ** 20

interface Comparison {
  /** Both are rounded to it before they are compared, as a loader does; default: they are compared as stored. */
  readonly dtype?: FloatDtype
  /** Most values of each that are read; default: all. */
  readonly limit?: number
}

/**
 * Whether the head has values of its own although config.json ties it to the embedding: a merged adapter with a trained
 * head, for example. transformers 5 ties equal tensors and leaves others apart.
 *
 * With a limit the first and last rows and others evenly between them are compared, so that a difference in few rows can be
 * missed; what is computed does not depend on the answer.
 *
 * @throws {AppError} BAD_FORMAT for a tensor that is missing or misshapen; NUMERICS for a NaN or an infinity in it
 */
export async function hasOtherHead(
  weights: ModelWeights,
  { tiedHead, embedding, head, vocabularySize, embeddingSize }: ModelArchitecture,
  { dtype = 'F32', limit = Number.POSITIVE_INFINITY }: Comparison = {}
): Promise<boolean> {
  const shape = [vocabularySize, embeddingSize]
  const [one, other] = [weights.find(embedding, shape), weights.find(head, shape)]
  // Two names of one tensor: it stands once in the files, or a torch file holds two views of one storage.
  if (!tiedHead || (one.file === other.file && one.begin === other.begin)) return false
  for (const [begin, end] of rowsToCompare(vocabularySize, embeddingSize, limit)) {
    const embedded = rounded(await weights.readVocabularyRows(embedding, begin, end), dtype)
    const own = rounded(await weights.readVocabularyRows(head, begin, end), dtype)
    if (own.some((value, i) => value !== embedded[i])) return true
  }
  return false
}

/** The values as `dtype` holds them, in place. */
export function rounded(values: Float32Array, dtype: FloatDtype): Float32Array {
  if (dtype === 'F32') return values
  decodeFloats(encodeFloats(values, dtype), dtype, values)
  return values
}

/** Ranges of rows with at most so many values, or two ranges; the first and the last rows are among them. */
export function rowsToCompare(rows: number, columns: number, limit: number): [number, number][] {
  const step = Math.max(1, Math.min(rows, Math.floor(PIECE_VALUES / columns)))
  const pieces = Math.ceil(rows / step)
  const most = Math.max(2, Math.floor(limit / (step * columns)))
  const every = Math.max(1, (pieces - 1) / (most - 1))
  const chosen = new Set(Array.from({ length: Math.min(pieces, most) }, (_, i) => Math.round(i * every)))
  return [...chosen].map((piece) => [piece * step, Math.min(rows, (piece + 1) * step)])
}
