import { createRequire } from 'node:module'
import { getEnvironmentData } from 'node:worker_threads'
import type * as ort from 'onnxruntime-node'
import { LIBRARY_TIME } from './libraryTime'

/*
 * The engine's thread as it is, but for a clock around every computation of onnxruntime. The library is loaded here first,
 * so that what the engine loads afterwards is the same.
 */

interface Timed {
  run(...args: unknown[]): Promise<unknown>
}

const { InferenceSession } = createRequire(import.meta.url)('onnxruntime-node') as typeof ort
const { prototype } = InferenceSession as unknown as { readonly prototype: Timed }
const { run } = prototype
const shared = getEnvironmentData(LIBRARY_TIME)
if (shared instanceof SharedArrayBuffer) {
  const total = new Float64Array(shared)
  prototype.run = async function (this: Timed, ...args) {
    const started = performance.now()
    try {
      return await run.apply(this, args)
    } finally {
      total[0] = (total[0] as number) + performance.now() - started
    }
  }
}
await import('../src/engine/worker/entry')
