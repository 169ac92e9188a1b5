import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

let collect: (() => void) | undefined

/**
 * Frees the arrays that nobody refers to any more, now.
 *
 * The arrays of a run lie outside of V8's heap, which sees a few bytes where there are megabytes and so waits: without this
 * a run's memory grows for its first blocks until the garbage of several is held at once. A few times a block it costs
 * milliseconds.
 */
export function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc') as () => void
  }
  collect()
}

/**
 * Limits of a thread that computes: a nursery of 1 MiB for V8's new objects in place of 16, of which every thread keeps up to
 * three. Arrays lie outside of it and the rest is little; but a nursery that may grow does so within a few blocks, and is
 * never given back: 30 blocks took a tenth more memory.
 */
export const COMPUTING_LIMITS = { maxYoungGenerationSizeMb: 3 }
