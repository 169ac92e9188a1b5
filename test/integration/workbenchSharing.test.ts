import { mkdirSync, rmSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { Recipe } from '../../src/shared/recipe'
import { Workplace } from '../helpers/commandLine'
import { sampleModel, sampleText } from '../helpers/paths'
import { openWorkbench, type TestWorkbench } from '../helpers/workbench'

/** A run of the sample model of a few seconds. */
const recipe = Recipe.parse({
  version: 1,
  name: 'shared',
  model: sampleModel,
  calibration: { files: [sampleText('moby-evaluation.txt')], rows: 16 },
  context: 128,
  variants: [{ method: 'quailora', rank: 8 }]
})

async function heldWorkbench(place: Workplace): Promise<{ workbench: TestWorkbench; id: string }> {
  const workbench = openWorkbench(place.home)
  await workbench.call('queue.hold', { held: true })
  const { id } = await workbench.call('queue.enqueue', { recipe })
  return { workbench, id }
}

const statusOf = async (workbench: TestWorkbench, id: string) =>
  (await workbench.call('runs.list', {})).find((run) => run.id === id)?.status

/** Begins to listen for a change that another process makes; call it before that process can make it. */
const changeSeen = (workbench: TestWorkbench): Promise<unknown> => workbench.next('runs.changed')

describe('the window and the command line on one database', () => {
  test('a queued run that the command line takes is not started by the window, which sees it run and end', async () => {
    const place = new Workplace()
    const { workbench, id } = await heldWorkbench(place)
    expect((await place.quail('runs', 'list')).stdout).toMatch(new RegExp(`${id} +waiting`))
    const begun = changeSeen(workbench)
    const started = place.start('resume', id)
    await started.waitFor(/block/)
    await begun
    await expect.poll(() => statusOf(workbench, id)).toBe('running')
    await workbench.call('queue.hold', { held: false })
    expect(await workbench.call('queue.state', {})).toMatchObject({ running: null, waiting: [] })
    await expect(workbench.call('queue.resume', { id })).rejects.toMatchObject({ code: 'LOCKED' })
    await expect(workbench.call('runs.delete', { ids: [id] })).rejects.toMatchObject({ code: 'LOCKED' })
    const changed = changeSeen(workbench)
    const { code, stderr } = await started.ended
    expect({ code, stderr: stderr.includes('Error') }).toEqual({ code: 0, stderr: false })
    await changed
    await expect.poll(() => statusOf(workbench, id)).toBe('completed')
    // It was begun once, by the command line.
    expect((await workbench.call('runs.get', { id })).attempt).toBe(1)
  })

  test('a command line that is killed leaves a run that the window sees interrupted and resumes', async () => {
    const place = new Workplace()
    const { workbench, id } = await heldWorkbench(place)
    const started = place.start('resume', id)
    await started.waitFor(/block/)
    await expect.poll(() => statusOf(workbench, id)).toBe('running')
    const died = changeSeen(workbench)
    started.child.kill('SIGKILL')
    await started.ended
    await died
    await expect.poll(() => statusOf(workbench, id)).toBe('interrupted')
    const end = workbench.next('run.finished', (event) => event.id === id)
    await workbench.call('queue.resume', { id })
    await workbench.call('queue.hold', { held: false })
    expect((await end).status).toBe('completed')
  })

  test('a run whose model is gone fails with a sentence, and the queue goes on to the next', async () => {
    const place = new Workplace()
    const { workbench, id } = await heldWorkbench(place)
    const model = place.path('gone')
    mkdirSync(model)
    await workbench.grant([model], 'readModel')
    const failing = await workbench.call('queue.enqueue', { recipe: { ...recipe, name: 'gone', model } })
    rmSync(model, { recursive: true })
    await workbench.call('queue.reorder', { ids: [failing.id, id] })
    const failed = workbench.next('run.finished', (event) => event.id === failing.id)
    const next = workbench.next('run.finished', (event) => event.id === id)
    await workbench.call('queue.hold', { held: false })
    expect(await failed).toMatchObject({ status: 'failed', sentence: expect.stringContaining(model) })
    expect((await next).status).toBe('completed')
  })
})
