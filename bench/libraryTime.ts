import { createRequire } from 'node:module'
import { getEnvironmentData } from 'node:worker_threads'
import type * as ort from 'onnxruntime-node'

/** Name under which the threads of a benchmark share their clock. */
export const LIBRARY_TIME = 'libraryTime'

/** Memory of the clock: a lock and the threads inside of onnxruntime, since when, and the milliseconds before. */
export const libraryClock = (): SharedArrayBuffer => new SharedArrayBuffer(24)

/** Milliseconds in which at least one thread was inside of onnxruntime. */
export const libraryMilliseconds = (clock: SharedArrayBuffer): number => new Float64Array(clock)[2] as number

interface Timed {
  run(...args: unknown[]): Promise<unknown>
}

/**
 * Puts the clock around every computation of onnxruntime in this thread. The library is loaded here first, so that what the
 * engine loads afterwards is the same.
 */
export function timeLibrary(): void {
  const clock = getEnvironmentData(LIBRARY_TIME)
  if (!(clock instanceof SharedArrayBuffer)) return
  const { InferenceSession } = createRequire(import.meta.url)('onnxruntime-node') as typeof ort
  const { prototype } = InferenceSession as unknown as { readonly prototype: Timed }
  const { run } = prototype
  prototype.run = async function (this: Timed, ...args) {
    change(clock, 1)
    try {
      return await run.apply(this, args)
    } finally {
      change(clock, -1)
    }
  }
}

/** One thread more or less inside. */
function change(clock: SharedArrayBuffer, by: number): void {
  const [words, times] = [new Int32Array(clock), new Float64Array(clock)]
  while (Atomics.compareExchange(words, 0, 0, 1) !== 0) {}
  const now = Number(process.hrtime.bigint()) / 1e6
  if ((words[1] as number) > 0) times[2] = (times[2] as number) + now - (times[1] as number)
  times[1] = now
  words[1] = (words[1] as number) + by
  Atomics.store(words, 0, 0)
}
