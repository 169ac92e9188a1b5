import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { closeStore, openStore } from '../../src/store/database'
import { createProject, listProjects } from '../../src/store/projects'
import { readEvents } from '../../src/store/runEvents'
import { listRuns } from '../../src/store/runQueries'
import { insertRun } from '../../src/store/runs'
import { runRecord, temporaryHome } from '../helpers/stores'

// Below node_modules, so that the bundle finds the packages that it leaves outside.
const cache = resolve('node_modules/.cache')
let bundles: string

beforeAll(async () => {
  mkdirSync(cache, { recursive: true })
  bundles = mkdtempSync(join(cache, 'store-writer-'))
  const entry = fileURLToPath(new URL('../helpers/storeWriter.ts', import.meta.url))
  await build({ configFile: false, logLevel: 'error', build: { ssr: entry, outDir: bundles, target: 'node20' } })
})

afterAll(() => rmSync(bundles, { recursive: true, force: true }))

interface Writer {
  readonly child: ChildProcess
  readonly ended: Promise<{ code: number | null; errors: string }>
}

function startWriter(file: string, name: string, count: number): Writer {
  const args = [join(bundles, 'storeWriter.js'), file, name, `${count}`, JSON.stringify(runRecord(name))]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let errors = ''
  child.stderr?.on('data', (chunk) => {
    errors += chunk
  })
  return { child, ended: once(child, 'close').then(([code]) => ({ code, errors })) }
}

describe('several processes with one database', () => {
  test('make it together and write at the same time; nothing is lost', async () => {
    const file = join(temporaryHome(), 'new', 'quail.db')
    const names = ['a', 'b', 'c']
    // None of them waits for the database to exist: all three make and migrate it.
    const writers = names.map((name) => startWriter(file, name, 60))
    const outcomes = await Promise.all(writers.map(({ ended }) => ended))
    expect(outcomes).toEqual(names.map(() => ({ code: 0, errors: '' })))

    const store = await openStore(file)
    onTestFinished(() => closeStore(store))
    expect((await listRuns(store)).map(({ id }) => id)).toEqual(['c', 'b', 'a'])
    expect(await listProjects(store)).toHaveLength(1 + 3 * 60)
    for (const name of names) {
      const events = await readEvents(store, name)
      expect(events.map(({ event }) => event.seq)).toEqual(Array.from({ length: 60 }, (_, i) => i))
    }
  })

  test('read each other’s writes while they go on writing themselves', async () => {
    const file = join(temporaryHome(), 'quail.db')
    const store = await openStore(file)
    onTestFinished(() => closeStore(store))
    await insertRun(store, runRecord('here'))
    const { ended } = startWriter(file, 'there', 100)
    let running = true
    const done = ended.finally(() => {
      running = false
    })
    const seen: number[] = []
    for (let i = 0; running; i++) {
      await createProject(store, `here ${i}`)
      const fresh = await readEvents(store, 'there', seen.length - 1)
      seen.push(...fresh.map(({ position }) => position))
    }
    expect(await done).toEqual({ code: 0, errors: '' })
    const rest = await readEvents(store, 'there', seen.length - 1)
    expect([...seen, ...rest.map(({ position }) => position)]).toEqual(Array.from({ length: 100 }, (_, i) => i))
  })

  test('one that is killed while it writes leaves a healthy database with whole transactions', async () => {
    const file = join(temporaryHome(), 'quail.db')
    const store = await openStore(file)
    onTestFinished(() => closeStore(store))
    const { child, ended } = startWriter(file, 'doomed', 1_000_000)
    while ((await readEvents(store, 'doomed')).length < 20) await delay(10)
    child.kill('SIGKILL')
    await ended

    const second = await openStore(file) // runs quick_check
    onTestFinished(() => closeStore(second))
    const events = (await readEvents(second, 'doomed')).length
    const projects = (await listProjects(second)).length - 1
    expect(events).toBeGreaterThanOrEqual(20)
    // An event and then a project, each its own transaction: at most one event is ahead.
    expect([events, events - 1]).toContain(projects)
    await createProject(second, 'still works')
  })
})
