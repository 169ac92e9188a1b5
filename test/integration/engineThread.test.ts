import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { startEngine } from '../../src/engine/worker/pool'
import type { RunEvent } from '../../src/shared/runEvents'
import { builtCli } from '../helpers/commandLine'
import { sampleModel } from '../helpers/paths'
import { makeRun } from '../helpers/runs'

const engine = startEngine(new URL('engineWorker.js', pathToFileURL(builtCli)))
afterAll(() => engine.close())

/** A run whose record lies in its folder, as the thread expects it. */
function storedRun() {
  const { folder, record } = makeRun()
  writeFileSync(join(folder, 'run.json'), JSON.stringify(record))
  return folder
}

describe('the engine in its thread', () => {
  it('stamps events with run, number and time, and leaves the calling thread free', async () => {
    const events: RunEvent[] = []
    let turns = 0
    const timer = setInterval(() => turns++, 5)
    const { finished } = await engine.call('run', { folder: storedRun() }, { onEvent: (event) => events.push(event) })
    clearInterval(timer)
    expect(finished).toMatchObject({ type: 'finished', status: 'completed' })
    expect(events.at(-1)).toEqual(finished)
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i))
    expect(new Set(events.map(({ run }) => run))).toEqual(new Set(['run']))
    const times = events.map(({ atMs }) => atMs)
    expect(times).toEqual([...times].sort((a, b) => a - b))
    // A blocked thread would have had a turn between messages at most; the timer of a free one fires all the time.
    expect(turns).toBeGreaterThan(20)
  })

  it('stops a run between two events when the caller cancels', async () => {
    const controller = new AbortController()
    const types: string[] = []
    const { finished } = await engine.call(
      'run',
      { folder: storedRun() },
      {
        signal: controller.signal,
        onEvent: ({ type }) => {
          types.push(type)
          if (type === 'layerFinished') controller.abort()
        }
      }
    )
    expect(finished).toMatchObject({ type: 'finished', status: 'cancelled', error: { code: 'CANCELLED' } })
    expect(types).not.toContain('artifactWritten')
  })

  it('answers other requests while a run is under way', async () => {
    const order: string[] = []
    const run = engine.call('run', { folder: storedRun() }).then(() => order.push('run'))
    const inspected = engine.call('inspect', { path: sampleModel }).then(() => order.push('inspect'))
    await Promise.all([run, inspected])
    expect(order).toEqual(['inspect', 'run'])
  })

  it('reports a damaged record as the end of the run, in one sentence', async () => {
    const folder = storedRun()
    writeFileSync(join(folder, 'run.json'), '{"version":1}')
    const { finished } = await engine.call('run', { folder })
    expect(finished).toMatchObject({
      status: 'failed',
      error: { code: 'BAD_FORMAT', message: expect.stringMatching(/run\.json: /) }
    })
  })
})
