import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { startEngine } from '../../src/engine/worker/pool'
import { Recipe } from '../../src/shared/recipe'
import type { RunEvent } from '../../src/shared/runEvents'
import type { ResolvedText } from '../../src/shared/runFolder'
import { builtCli } from '../helpers/commandLine'
import { narrowModel } from '../helpers/narrowModel'
import { sampleText } from '../helpers/paths'
import { makeRun } from '../helpers/runs'
import { temporaryFolder } from '../helpers/workbench'

const engine = startEngine(new URL('engineWorker.js', pathToFileURL(builtCli)))
afterAll(() => engine.close())

/** A run whose record lies in its folder, as the thread expects it. */
function storedRun() {
  const { folder, record } = makeRun()
  writeFileSync(join(folder, 'run.json'), JSON.stringify(record))
  return folder
}

function textOf(folder: string, name: string, content: string): ResolvedText {
  const path = join(folder, name)
  writeFileSync(path, content)
  const sha256 = createHash('sha256').update(content).digest('hex')
  return { name, path, kind: 'text', bytes: Buffer.byteLength(content), sha256 }
}

const preflightOf = (text: ResolvedText) => ({
  recipe: Recipe.parse({
    version: 1,
    model: narrowModel,
    calibration: { files: [text.path] },
    variants: [{ method: 'svd', rank: 8 }]
  }),
  calibration: [text],
  evaluation: []
})

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

  // NVIDIA's libraries read the variable when they start; a thread's own copy of the environment would not reach them.
  it.runIf(process.platform === 'linux' && process.arch === 'x64')(
    'switches TF32 off in the environment of the process, before CUDA is looked for',
    async () => {
      delete process.env.NVIDIA_TF32_OVERRIDE
      await engine.call('devices', {})
      const { environmentVariables } = process.report.getReport() as { environmentVariables: Record<string, string> }
      expect(environmentVariables.NVIDIA_TF32_OVERRIDE).toBe('0')
    }
  )

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
    const inspected = engine.call('inspect', { path: narrowModel }).then(() => order.push('inspect'))
    await Promise.all([run, inspected])
    expect(order).toEqual(['inspect', 'run'])
  })

  it('gives up tokens of long texts that nobody wants any more, and answers about another text', async () => {
    const folder = temporaryFolder()
    const sample = readFileSync(sampleText('moby-evaluation.txt'), 'utf8')
    const short = textOf(folder, 'short.txt', sample)
    // Each would take its thread minutes.
    for (const name of ['a', 'b', 'c']) {
      const long = textOf(folder, name, `${name} ${sample.repeat(100)}`)
      const controller = new AbortController()
      const asked = engine.call('preflight', preflightOf(long), { signal: controller.signal })
      setTimeout(() => controller.abort(), 100)
      await expect(asked).rejects.toMatchObject({ code: 'CANCELLED' })
    }
    expect((await engine.call('preflight', preflightOf(short))).plan?.calibration.rows).toBe(64)
    expect((await engine.call('inspect', { path: narrowModel })).problems).toEqual([])
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
