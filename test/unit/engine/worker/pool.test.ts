import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startEngine } from '../../../../src/engine/worker/pool'
import type { PreflightRequest } from '../../../../src/shared/engineApi'
import type { RunEvent } from '../../../../src/shared/runEvents'
import { RUN_FILES } from '../../../../src/shared/runFolder'
import { runRecord } from '../../../helpers/stores'

/** A thread that treats messages as the given code says; the real thread main is tested on the built program. */
const thread = (onMessage: string, onClose = 'parentPort.close()'): URL =>
  new URL(
    `data:text/javascript,${encodeURIComponent(
      `import { parentPort } from 'node:worker_threads'
       parentPort.on('message', (message) => { if (message.kind === 'close') { ${onClose} } ${onMessage} })`
    )}`
  )

const dying = thread(`
  if (message.method === 'run') {
    const event = (seq) => ({ kind: 'event', id: message.id, event: { type: 'warning', code: 'C', message: 'm', run: 'r', seq, atMs: 0 } })
    parentPort.postMessage(event(0)); parentPort.postMessage(event(1))
  }
  if (message.kind === 'start') setTimeout(() => { throw new Error('out of luck') }, 20)`)

describe('a thread that dies', () => {
  it('gives its run a last event, failed, numbered after the ones before', async () => {
    const engine = startEngine(dying)
    const events: RunEvent[] = []
    const { finished } = await engine.call('run', { folder: '/runs/abc' }, { onEvent: (event) => events.push(event) })
    expect(events.map(({ type, seq }) => [type, seq])).toEqual([
      ['warning', 0],
      ['warning', 1],
      ['finished', 2]
    ])
    expect(finished).toBe(events[2])
    expect(finished).toMatchObject({ status: 'failed', run: 'abc', error: { code: 'INTERNAL' } })
    expect(JSON.stringify(finished)).toContain('out of luck')
    await engine.close()
  })

  it('fails every other request, and the next request gets a new thread', async () => {
    const engine = startEngine(dying)
    const failure = { code: 'INTERNAL', message: expect.stringContaining('out of luck') }
    await expect(engine.call('inspect', { path: 'x' })).rejects.toMatchObject(failure)
    await expect(engine.call('inspect', { path: 'x' })).rejects.toMatchObject(failure)
    await engine.close()
  })
})

describe('requests', () => {
  const echo = thread(`
    if (message.kind === 'start') setTimeout(() => parentPort.postMessage({ kind: 'done', id: message.id, output: message }), 10)`)

  it('are answered by their number, several at a time', async () => {
    const engine = startEngine(echo)
    const answers = await Promise.all(['a', 'b', 'c'].map((path) => engine.call('inspect', { path })))
    expect(answers.map((answer) => (answer as unknown as { input: object }).input)).toEqual([
      { path: 'a' },
      { path: 'b' },
      { path: 'c' }
    ])
    await engine.close()
  })

  it('that compute wait for each other', async () => {
    const counting = thread(`
      globalThis.active ??= 0
      if (message.kind === 'start') {
        const active = ++globalThis.active
        setTimeout(() => { globalThis.active--; parentPort.postMessage({ kind: 'done', id: message.id, output: active }) }, 10)
      }`)
    const engine = startEngine(counting)
    const verify = () => engine.call('verify', { adapter: 'a', model: 'm' })
    expect(await Promise.all([verify(), verify(), verify()])).toEqual([1, 1, 1])
    await engine.close()
  })

  it('are given up when the caller cancels, before or while they are answered', async () => {
    const engine = startEngine(echo)
    const before = AbortSignal.abort()
    await expect(engine.call('inspect', { path: 'x' }, { signal: before })).rejects.toMatchObject({ code: 'CANCELLED' })
    const controller = new AbortController()
    const answer = engine.call('plan', {} as never, { signal: controller.signal })
    controller.abort()
    await expect(answer).rejects.toMatchObject({ code: 'CANCELLED' })
    await engine.close()
  })

  it('throw again what the engine reports', async () => {
    const failing = thread(`
      if (message.kind === 'start') parentPort.postMessage({ kind: 'failed', id: message.id, error: { code: 'BAD_FORMAT', message: 'no' } })`)
    const engine = startEngine(failing)
    await expect(engine.call('inspect', { path: 'x' })).rejects.toMatchObject({ code: 'BAD_FORMAT', message: 'no' })
    await engine.close()
  })

  it('are refused after closing, which tells a run to stop and waits for its last event', async () => {
    const stopping = thread(
      `if (message.kind === 'start') parentPort.postMessage({ kind: 'event', id: message.id, event: { type: 'warning' } })
       if (message.kind === 'cancel') setTimeout(() => {
         parentPort.postMessage({ kind: 'done', id: message.id, output: { finished: { status: 'cancelled' } } })
         parentPort.close()
       }, 20)`,
      ''
    )
    const engine = startEngine(stopping)
    let run: ReturnType<typeof engine.call<'run'>> | undefined
    await new Promise<void>((started) => {
      run = engine.call('run', { folder: '/runs/r' }, { onEvent: () => started() })
    })
    const closing = engine.close()
    await expect(engine.call('inspect', { path: 'x' })).rejects.toThrow('the engine is closed')
    await closing
    await expect(run).resolves.toMatchObject({ finished: { status: 'cancelled' } })
  })
})

describe('what a stranger may have written', () => {
  /** Never comes back from opening what is called stuck, cannot open what is called slow, and says what else it was asked. */
  const opening = thread(`
    globalThis.asked ??= []
    if (message.kind === 'start') {
      const { id, method, input } = message
      if (method === 'open' && input.path.startsWith('stuck')) for (;;);
      const error = { code: 'BAD_INPUT', message: input.path + ' was given up' }
      if (method === 'open' && input.path.startsWith('slow')) parentPort.postMessage({ kind: 'failed', id, error })
      else parentPort.postMessage({ kind: 'done', id, output: (asked.push(method), asked) })
    }`)
  const recipe = (model: string, base?: string) => ({ recipe: { model, base }, measure: false }) as never

  it('is opened by a thread that can be ended before one that computes does it', async () => {
    const engine = startEngine(opening)
    await expect(engine.call('plan', recipe('slow'))).rejects.toThrow('slow was given up')
    await expect(engine.call('plan', recipe('m', 'slow base'))).rejects.toThrow('slow base was given up')
    await expect(engine.call('preflight', recipe('slow'))).rejects.toThrow('slow was given up')
    await expect(engine.call('exportBase', { model: 'slow' } as never)).rejects.toThrow('slow was given up')
    const verify = (adapter: string, model: string, from?: string) => engine.call('verify', { adapter, model, from })
    await expect(verify('slow a', 'm')).rejects.toThrow('slow a was given up')
    await expect(verify('a', 'slow m')).rejects.toThrow('slow m was given up')
    await expect(verify('a', 'm', 'slow from')).rejects.toThrow('slow from was given up')
    // The thread that computes has not heard of any of them.
    expect(await verify('a', 'm')).toEqual(['verify'])
    await engine.close()
  })

  it('keeps nobody waiting once its caller gives it up, however long it takes to open', async () => {
    const engine = startEngine(opening)
    const left = new AbortController()
    const stuck = engine.call('plan', recipe('stuck'), { signal: left.signal })
    const failed = expect(stuck).rejects.toMatchObject({ code: 'CANCELLED' })
    const waiting = engine.call('plan', recipe('m'))
    left.abort()
    await failed
    expect(await waiting).toEqual(['plan'])
    await engine.close()
  })

  it('ends a run with what was wrong, told by its last event', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'quail-pool-'))
    const record = runRecord('abc')
    const write = (model: string) =>
      writeFile(join(folder, RUN_FILES.record), JSON.stringify({ ...record, recipe: { ...record.recipe, model } }))
    const engine = startEngine(opening)
    const events: RunEvent[] = []
    await write('slow')
    const { finished } = await engine.call('run', { folder }, { onEvent: (event) => events.push(event) })
    expect(events).toEqual([finished])
    const error = { code: 'BAD_INPUT', message: 'slow was given up' }
    expect(finished).toMatchObject({ type: 'finished', status: 'failed', seq: 0, run: basename(folder), error })
    await write('stuck')
    const left = new AbortController()
    const stuck = engine.call('run', { folder }, { signal: left.signal })
    setTimeout(() => left.abort(), 50)
    expect((await stuck).finished).toMatchObject({ status: 'cancelled' })
    await engine.close()
    await rm(folder, { recursive: true })
  })
})

describe('a preflight', () => {
  /** Works until the input's gate is opened, which lets no other message in meanwhile. */
  const blocking = thread(`
    if (message.kind === 'start') {
      if (message.input.gate) Atomics.wait(new Int32Array(message.input.gate), 0, 0)
      parentPort.postMessage({ kind: 'done', id: message.id, output: {} })
    }`)

  it('keeps no other checkpoint waiting', async () => {
    const engine = startEngine(blocking)
    const gate = new SharedArrayBuffer(4) // never opened
    const stuck = engine.call('survey', { path: 'x', gate } as unknown as { path: string })
    const failed = expect(stuck).rejects.toMatchObject({ code: 'CANCELLED' })
    await engine.call('inspect', { path: 'y' })
    await engine.close()
    await failed
  })

  it('keeps an engine that is closed for a second at most, as every answer does that is stuck', async () => {
    const engine = startEngine(blocking)
    const gate = new SharedArrayBuffer(4) // never opened
    const answer = engine.call('inspect', { path: 'x', gate } as unknown as { path: string })
    const [closed] = await Promise.allSettled([engine.close(), answer])
    expect(closed.status).toBe('fulfilled')
    await expect(answer).rejects.toMatchObject({ code: 'CANCELLED' })
  })

  it('that blocks its thread keeps no other answer waiting, also once its caller has given it up', async () => {
    const engine = startEngine(blocking)
    const controller = new AbortController()
    const input = (model: string, more: object) =>
      ({ recipe: { model }, calibration: [], evaluation: [], ...more }) as unknown as PreflightRequest
    const gate = new SharedArrayBuffer(4) // never opened
    const first = engine.call('preflight', input('a', { guess: false, gate }), { signal: controller.signal })
    controller.abort()
    await expect(first).rejects.toMatchObject({ code: 'CANCELLED' })
    // What waited for the first would wait for ever.
    await engine.call('inspect', { path: 'x' })
    await engine.call('preflight', input('b', { guess: true }))
    await engine.call('preflight', input('b', { guess: false }))
    await engine.close()
  })
})
