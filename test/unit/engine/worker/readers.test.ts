import { afterEach, describe, expect, it } from 'vitest'
import { deviceLockMemory } from '../../../../src/engine/graph/deviceLock'
import { EngineThread } from '../../../../src/engine/worker/engineThread'
import { Readers } from '../../../../src/engine/worker/readers'

/** A thread that never comes back from reading what is called stuck; its time is that of the wall. */
const url = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort } from 'node:worker_threads'
    parentPort.postMessage({ kind: 'started', clock: null })
    parentPort.on('message', ({ kind, id, input }) => {
      if (kind === 'close') parentPort.close()
      if (kind !== 'start') return
      if (input.path.startsWith('stuck')) for (;;);
      parentPort.postMessage({ kind: 'done', id, output: input.path })
    })`)}`
)

let readers: Readers
const start = (limitMs?: number): void => {
  const thread = () => new EngineThread(url, { deviceLocks: deviceLockMemory() }, undefined, false)
  readers = new Readers(thread, limitMs)
}
afterEach(() => readers.close())

const inspect = (path: string, signal?: AbortSignal) => readers.request('inspect', { path }, { signal })

describe('a checkpoint that is never read to its end', () => {
  it('keeps no other waiting, and is given up when it took more than it is worth', async () => {
    start(1000)
    const stuck = inspect('stuck')
    const failed = expect(stuck).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: 'stuck was given up: it could not be read in 1 seconds; it is damaged, or its disk does not answer'
    })
    expect(await inspect('other')).toBe('other')
    await failed
    expect(await inspect('third')).toBe('third')
  })

  it('leaves its thread to others when nobody waits for it any more, however many there are', async () => {
    start()
    const left = new AbortController()
    const stuck = ['a', 'b', 'c', 'd'].map((name) => inspect(`stuck ${name}`, left.signal))
    const ended = Promise.allSettled(stuck)
    const waiting = inspect('other')
    const late = inspect('late', left.signal)
    setTimeout(() => left.abort(), 200)
    await expect(late).rejects.toMatchObject({ code: 'CANCELLED' })
    expect((await ended).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected', 'rejected'])
    expect(await waiting).toBe('other')
  })
})
