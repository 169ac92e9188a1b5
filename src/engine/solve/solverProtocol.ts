import type { SerializedError } from '../../shared/errors'
import type { LinearTask, SolvedLinear, SolveOptions } from './solveLinear'

/*
 * What crosses the boundary of a solver thread, one job at a time. The large arrays are handed over, not copied: while the
 * thread has them they are empty here.
 */

export type ToSolver =
  | {
      readonly kind: 'solve'
      readonly task: Omit<LinearTask, 'moment'>
      /** H [in, in]. */
      readonly H: Float64Array
      readonly options: SolveOptions
    }
  /** The thread ends. */
  | { readonly kind: 'close' }

export type FromSolver =
  | {
      readonly kind: 'solved'
      readonly linear: SolvedLinear
      /** What was handed over. */
      readonly weight: Float32Array
      readonly H: Float64Array
    }
  | { readonly kind: 'failed'; readonly error: SerializedError }

type Values = Float32Array | Float64Array | Uint8Array

/** The memory of arrays that can be handed over as a whole; each buffer once. */
export const memoryOf = (arrays: readonly Values[]): ArrayBuffer[] => [
  ...new Set(arrays.map(({ buffer }) => buffer as ArrayBuffer))
]

/** The array itself where its memory is all its own, else a copy. */
export const alone = <T extends Values>(array: T): T =>
  array.byteLength === array.buffer.byteLength ? array : (array.slice() as T)
