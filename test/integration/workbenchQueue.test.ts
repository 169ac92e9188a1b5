import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Recipe } from '../../src/shared/recipe'
import { sampleModel, sampleText } from '../helpers/paths'
import { openWorkbench, type TestWorkbench, temporaryFolder } from '../helpers/workbench'

/** A run of the sample model of a few seconds. */
const recipe = (name: string) =>
  Recipe.parse({
    version: 1,
    name,
    model: sampleModel,
    calibration: { files: [sampleText('moby-evaluation.txt')], rows: 16 },
    evaluation: { files: [sampleText('moby-evaluation.txt')], rows: 4 },
    context: 128,
    variants: [{ method: 'quailora', rank: 8 }]
  })

const enqueue = async (workbench: TestWorkbench, name = 'short'): Promise<string> =>
  (await workbench.call('queue.enqueue', { recipe: recipe(name) })).id

const finished = (workbench: TestWorkbench, id: string) => workbench.next('run.finished', (event) => event.id === id)

async function digests(workbench: TestWorkbench, id: string): Promise<Record<string, string>> {
  const { out } = await workbench.call('runs.get', { id })
  return Object.fromEntries(
    readdirSync(out).map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(join(out, name)))
        .digest('hex')
    ])
  )
}

/** The bytes that a run gives when nothing disturbs it. */
async function undisturbed(): Promise<Record<string, string>> {
  const workbench = openWorkbench()
  await workbench.next('engine.state', ({ state }) => state === 'ready')
  const id = await enqueue(workbench)
  await finished(workbench, id)
  const found = await digests(workbench, id)
  await workbench.close()
  return found
}

describe('the queue', () => {
  test('works on runs in their order, cancels one that waits and one that is worked on', async () => {
    const workbench = openWorkbench()
    await workbench.call('queue.hold', { held: true })
    const first = await enqueue(workbench, 'first')
    const second = await enqueue(workbench, 'second')
    const third = await enqueue(workbench, 'third')
    const order = async () => (await workbench.call('queue.state', {})).waiting.map(({ id }) => id)
    expect(await order()).toEqual([first, second, third])
    await workbench.call('queue.reorder', { ids: [third, first] })
    expect(await order()).toEqual([third, first, second])
    // The second click of a double one: what was wished is so.
    for (let click = 0; click < 2; click++) await workbench.call('queue.cancel', { id: second })
    expect((await workbench.call('runs.get', { id: second })).status).toBe('cancelled')
    const working = workbench.next('run.progress', ({ progress }) => progress.run === third && progress.blocksDone > 0)
    await workbench.call('queue.hold', { held: false })
    const { progress } = await working
    expect(progress).toMatchObject({ title: 'third', blocks: 4 })
    const end = finished(workbench, third)
    const last = finished(workbench, first)
    await workbench.call('queue.cancel', { id: third })
    expect((await end).status).toBe('cancelled')
    expect(await last).toMatchObject({
      status: 'completed',
      sentence: expect.stringMatching(/quailora-r8 .*\(full precision [\d.]+\)/)
    })
    expect(await order()).toEqual([])
  })

  test('that is closed at a checkpoint goes on after a restart and gives the same bytes', async () => {
    const expected = await undisturbed()
    const home = temporaryFolder()
    const before = openWorkbench(home)
    const begun = before.next('run.progress', ({ progress }) => progress.blocksDone === 1)
    const id = await enqueue(before)
    await begun
    await before.close(true)
    const after = openWorkbench(home)
    const end = finished(after, id)
    expect((await end).status).toBe('completed')
    const { attempt } = await after.call('runs.get', { id })
    expect(attempt).toBe(2)
    expect(await digests(after, id)).toEqual(expected)
  })

  test('that is held stops the run after its block and lets it go on', async () => {
    const workbench = openWorkbench()
    const begun = workbench.next('run.progress', ({ progress }) => progress.blocksDone === 1)
    const id = await enqueue(workbench)
    await begun
    const stopped = workbench.next('queue.changed', ({ running, waiting }) => running === null && waiting === 1)
    await workbench.call('queue.hold', { held: true })
    await stopped
    expect(await workbench.call('queue.state', {})).toMatchObject({
      held: true,
      running: null,
      waiting: [{ id, status: 'queued' }]
    })
    const end = finished(workbench, id)
    await workbench.call('queue.hold', { held: false })
    expect((await end).status).toBe('completed')
  })
})

describe('paths', () => {
  test('that nobody gave are refused, until they are given', async () => {
    const workbench = openWorkbench()
    const outside = { ...recipe('outside'), model: '/etc' }
    await expect(workbench.call('queue.enqueue', { recipe: outside })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining('/etc was not chosen in a dialog')
    })
    await workbench.grant(['/etc'], 'readModel')
    // Now the engine looks at it, and finds that it is no checkpoint once the run begins.
    const { id } = await workbench.call('queue.enqueue', { recipe: outside })
    expect((await finished(workbench, id)).status).toBe('failed')
  })
})
