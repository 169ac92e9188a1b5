import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { clockOfThread, WorkWatch, workedMs, workLimit } from '../../../../src/engine/formats/workWatch'

const started: { watch?: WorkWatch; child?: ChildProcess }[] = []
afterEach(() => {
  for (const { watch, child } of started.splice(0)) {
    watch?.stop()
    child?.kill('SIGKILL')
  }
})

/** Watches until the time is over, and keeps the words that it is told. */
function watched(limitMs: number, clock: string | null | undefined) {
  const told: string[] = []
  const watch = new WorkWatch(
    limitMs,
    () => clock,
    (time) => told.push(time)
  )
  started.push({ watch })
  return { watch, told }
}

const spin = (ms: number): void => {
  for (const end = performance.now() + ms; performance.now() < end; );
}

describe.runIf(existsSync('/proc/self/task'))('a worker', () => {
  const busy = () => {
    const child = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' })
    started.push({ child })
    return { child, clock: `/proc/${child.pid}/stat` }
  }

  it('that had a processor for longer than its limit is told of, once', async () => {
    const { clock } = busy()
    const { told } = watched(500, clock)
    await expect.poll(() => told).toEqual(['1 seconds of processor time'])
    await sleep(300)
    expect(told).toHaveLength(1)
  })

  it('that had none is not, as long as the wall allows; then it is', async () => {
    const { child, clock } = busy()
    child.kill('SIGSTOP')
    const { told } = watched(100, clock)
    await sleep(2000)
    expect(told).toEqual([])
    await expect.poll(() => told).toEqual(['6 seconds'])
  })

  it('that gets on begins anew', async () => {
    const { clock } = busy()
    const { watch, told } = watched(800, clock)
    for (let times = 0; times < 10; times++) {
      await sleep(200)
      watch.news()
    }
    expect(told).toEqual([])
  })

  it('is a thread as well, whose time is its own', async () => {
    const code = `
      const { parentPort } = require('node:worker_threads')
      const { readlinkSync } = require('node:fs')
      parentPort.postMessage('/proc/' + readlinkSync('/proc/thread-self') + '/stat')`
    const idle = new Worker(`${code}\nsetInterval(() => {}, 1000)`, { eval: true })
    const clock = await new Promise<string>((done) => idle.once('message', done))
    const before = workedMs(clock) as number
    const own = workedMs(clockOfThread()) as number
    spin(600)
    expect((workedMs(clockOfThread()) as number) - own).toBeGreaterThan((workedMs(clock) as number) - before)
    await idle.terminate()
    await expect.poll(() => workedMs(clock)).toBeUndefined()
  })
})

it('where the system tells nothing, the wall counts', async () => {
  const { told } = watched(300, null)
  await expect.poll(() => told).toEqual(['0 seconds'])
})

it('a watcher that stood still looks into its queue before it gives up', async () => {
  const { watch, told } = watched(1500, null)
  setTimeout(() => setImmediate(() => watch.news()), 0)
  spin(2500)
  await sleep(300)
  expect(told).toEqual([])
})

it('a limit is passed by a thread that works, not before it has', () => {
  const beforeMs = workedMs(clockOfThread())
  const startMs = performance.now()
  const isTooLong = workLimit(100)
  expect(isTooLong()).toBe(false)
  while (!isTooLong()) spin(10)
  const nowMs = workedMs(clockOfThread())
  const worked = nowMs === undefined || beforeMs === undefined ? performance.now() - startMs : nowMs - beforeMs
  expect(worked).toBeGreaterThanOrEqual(100)
})

it.runIf(existsSync('/proc/self/task'))('a limit is not passed by a thread that only waits', async () => {
  const isTooLong = workLimit(500)
  await sleep(1000)
  expect(isTooLong()).toBe(false)
})
