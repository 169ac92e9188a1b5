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

/** Arrays of a thread, garbage among them, that may lie about: to look through all its objects costs more than they do. */
const FEW_BYTES = 16 * 2 ** 20

/** The same where a thread's arrays are many enough. */
export function collectArrays(): void {
  if (process.memoryUsage().external >= FEW_BYTES) collectGarbage()
}

/** By how much the heap, with the arrays beside it, may grow before V8 itself looks for garbage: 300 %. */
export const SELDOM_FLAG = '--heap-growing-percent=300'

/**
 * Lets V8 look for garbage four times as seldom, in every thread of the process from its next look on.
 *
 * The limit follows from the few megabytes of objects that a thread has, so that a run's arrays reach it several times a
 * second, and each time all objects are marked: an eighth of a small run's processor time. What is large is freed by
 * `collectGarbage`, whatever that limit.
 */
export const collectSeldom = (): void => setFlagsFromString(SELDOM_FLAG)

/**
 * Limits of a thread that computes: a nursery of 1 MiB for V8's new objects in place of 16, of which every thread keeps up to
 * three. Arrays lie outside of it and the rest is little; but a nursery that may grow does so within a few blocks, and is
 * never given back: 30 blocks took a tenth more memory.
 */
export const COMPUTING_LIMITS = { maxYoungGenerationSizeMb: 3 }
