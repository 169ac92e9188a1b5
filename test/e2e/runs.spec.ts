import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CallInput, CallOutput, WorkbenchCallName } from '../../src/shared/contract'
import { Recipe } from '../../src/shared/recipe'
import { Workplace } from '../helpers/commandLine'
import { sampleModel, sampleText } from '../helpers/paths'
import { type Desk, goTo, openDesk, removeTemporary, temporaryFolder } from './harness'

/** A run of the sample model of some seconds, long enough to be caught at work. */
const recipe = (name: string) =>
  Recipe.parse({
    version: 1,
    name,
    model: sampleModel,
    calibration: { files: [sampleText('moby-evaluation.txt')], rows: 48 },
    evaluation: { files: [sampleText('moby-evaluation.txt')], rows: 4 },
    context: 128,
    variants: [{ method: 'quailora', rank: 8 }]
  })

let desk: Desk

beforeAll(async () => {
  desk = await openDesk()
  await goTo(desk, '/runs')
})

afterAll(async () => {
  await desk?.close()
  await removeTemporary()
})

/** Asks as the page does. */
async function ask<N extends WorkbenchCallName>(name: N, input: CallInput<N>): Promise<CallOutput<N>> {
  const answer = await desk.page.evaluate<{ ok: boolean; value: unknown; error: unknown }>(
    `window.quail.call(${JSON.stringify(name)}, ${JSON.stringify(input)})`
  )
  if (!answer.ok) throw new Error(JSON.stringify(answer.error))
  return answer.value as CallOutput<N>
}

const enqueue = async (name: string): Promise<string> => (await ask('queue.enqueue', { recipe: recipe(name) })).id
const button = (name: string | RegExp) => desk.page.getByRole('button', { name })
const row = (name: string) => desk.page.getByRole('table', { name: 'Runs' }).getByRole('row').filter({ hasText: name })
const state = (name: string) => row(name).getByRole('cell').nth(1).textContent()
const working = (name: string) => desk.page.getByRole('group', { name: `Working on ${name}` })
const waiting = () =>
  desk.page.getByRole('list', { name: 'Waiting runs' }).getByRole('listitem').getByRole('link').allTextContents()

async function becomes(name: string, wanted: string): Promise<void> {
  await expect.poll(() => state(name), { timeout: 120_000 }).toBe(wanted)
}

async function digests(id: string): Promise<Record<string, string>> {
  const { out } = await ask('runs.get', { id })
  const sha256 = (name: string) =>
    createHash('sha256')
      .update(readFileSync(join(out, name)))
      .digest('hex')
  return Object.fromEntries(readdirSync(out).map((name) => [name, sha256(name)]))
}

/** Ids of the processes below the app whose command line names the engine's program. */
function engineProcesses(): number[] {
  const command = (pid: string): string => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    } catch {
      return ''
    }
  }
  const parent = (pid: string): number => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
    } catch {
      return 0
    }
  }
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && command(pid).includes('node.mojom.NodeService'))
    .filter((pid) => parent(pid) === desk.app.process().pid)
    .map(Number)
}

describe('the page of runs', () => {
  test('says what belongs there while there is none', async () => {
    await desk.page.getByRole('heading', { name: 'No run yet' }).waitFor()
    await expect.poll(() => desk.page.getByRole('link', { name: 'New run' }).count()).toBeGreaterThan(0)
  })

  test('holds one run of a start that was clicked twice, and takes it out and deletes it without a complaint', async () => {
    const { page } = desk
    await ask('queue.hold', { held: true })
    await goTo(desk, '/new')
    const made = async () => (await ask('runs.list', {})).length
    await button(/^Start Ctrl/).dblclick()
    await page.waitForURL(/#\/runs\/.+/)
    expect(await made()).toBe(1)
    await goTo(desk, '/runs')
    await button(/^Take .* out of the queue$/).dblclick()
    await becomes('model', 'stopped')
    await page.getByRole('checkbox', { name: /^Choose .*-model-/ }).check()
    await button('Delete…').dblclick()
    await button('Delete 1 run').dblclick()
    await page.getByText('1 run deleted').waitFor()
    await expect.poll(made).toBe(0)
    await expect.poll(() => page.getByText(/was not stopped|Nothing was deleted/).count()).toBe(0)
  })

  test('orders waiting runs by keyboard and by dragging', async () => {
    for (const name of ['one', 'two', 'three']) await enqueue(name)
    await expect.poll(waiting).toEqual(['one', 'two', 'three'])
    await button(/^Move three/).focus()
    await desk.page.keyboard.press('ArrowUp')
    await desk.page.keyboard.press('ArrowUp')
    await expect.poll(waiting).toEqual(['three', 'one', 'two'])
    const stored = async () => (await ask('queue.state', {})).waiting.map(({ title }) => title)
    await expect.poll(stored).toEqual(['three', 'one', 'two'])
    const item = (name: string) => desk.page.getByRole('listitem').filter({ hasText: name })
    await item('two').dragTo(item('three'), { targetPosition: { x: 200, y: 4 } })
    await expect.poll(waiting).toEqual(['two', 'three', 'one'])
    await expect.poll(stored).toEqual(['two', 'three', 'one'])
    await button('Work on one next').click()
    await expect.poll(stored).toEqual(['one', 'two', 'three'])
    await button('Take two out of the queue').click()
    await becomes('two', 'stopped')
  })

  test('stops the first run while it works and goes on with the next', async () => {
    await button('Let the queue go on').click()
    await working('one')
      .getByText(/Block \d of 4/)
      .waitFor({ timeout: 120_000 })
    await button('Stop one').click()
    await becomes('one', 'stopped')
    await working('three').waitFor()
    await becomes('three', 'completed')
    await expect.poll(() => row('three').getByRole('cell').nth(5).textContent()).toBe('gap unclear')
  })

  test('resumes a stopped run by a button that its cell has room for', async () => {
    const cut = ({ scrollWidth, clientWidth }: { scrollWidth: number; clientWidth: number }) =>
      scrollWidth - clientWidth
    expect(
      await button('Resume one')
        .locator('xpath=..')
        .evaluate(cut as never)
    ).toBe(0)
    await button('Resume one').click()
    await becomes('one', 'completed')
    expect(desk.complaints).toEqual([])
  })
})

test('the run that works is stopped from any page', async () => {
  await enqueue('four')
  await goTo(desk, '/devices')
  await button('Stop what works now: four').click()
  await button('Stop what works now: four').waitFor({ state: 'detached' })
  await goTo(desk, '/runs')
  await becomes('four', 'stopped')
})

test('a run of the command line is shown as it is worked on, and is stopped there', async () => {
  const { page } = desk
  await goTo(desk, '/runs')
  const calibration = ['--calibration', sampleText('moby-evaluation.txt'), '--calibration-rows', '256']
  const out = join(await temporaryFolder(), 'out')
  const line = ['init-lora', '--model', sampleModel, ...calibration, '--context', '128', '--out', out]
  const run = new Workplace().startWith({ QUAIL_HOME: desk.home }, ...line)
  const said = page.getByText('Another process works on it, say the command line. Stop it there.')
  await said.waitFor()
  await page
    .getByRole('group', { name: /^Working on / })
    .getByRole('link')
    .click()
  await page.waitForURL(/#\/runs\/.+/)
  await said.waitFor()
  await expect.poll(() => page.getByRole('button', { name: /^(Stop|Pause)/ }).count()).toBe(0)
  run.child.kill('SIGINT')
  await run.ended
  await page.getByText('The run was stopped').waitFor()
  await goTo(desk, '/runs')
})

describe('a run that is disturbed gives the same bytes', () => {
  test('by quitting the app, which stops it at a checkpoint and goes on when it is opened again', async () => {
    const id = await enqueue('quit')
    await working('quit')
      .getByText(/Block [23] of 4/)
      .waitFor({ timeout: 120_000 })
    const { home, profile } = desk
    await desk.close()
    desk = await openDesk({ home, profile })
    await desk.page.waitForURL(/#\/runs$/)
    await becomes('quit', 'completed')
    const { attempt } = await ask('runs.get', { id })
    const undisturbed = (await ask('runs.list', {})).find(({ title }) => title === 'three')
    expect({ attempt, files: await digests(id) }).toEqual({ attempt: 2, files: await digests(undisturbed?.id ?? '') })
  })

  test('by killing the engine, which leaves the window alive and the run resumable', async () => {
    const id = await enqueue('killed')
    await working('killed')
      .getByText(/Block [23] of 4/)
      .waitFor({ timeout: 120_000 })
    const engines = engineProcesses()
    expect(engines).toHaveLength(1)
    process.kill(engines[0] as number, 'SIGKILL')
    await becomes('killed', 'interrupted')
    await desk.page.getByText(/killed was interrupted/).waitFor()
    expect(engineProcesses()).not.toEqual(engines)
    await button('Resume it').click()
    await becomes('killed', 'completed')
    const undisturbed = (await ask('runs.list', {})).find(({ title }) => title === 'three')
    expect(await digests(id)).toEqual(await digests(undisturbed?.id ?? ''))
  })
})

describe('many runs', () => {
  test('are found by search and state, which the address keeps', async () => {
    const { page } = desk
    await page.keyboard.press('/')
    await page.keyboard.type('kill')
    await expect.poll(() => row('three').count()).toBe(0)
    await row('killed').waitFor()
    await page.waitForURL(/#\/runs\?q=kill$/)
    await page.getByRole('textbox', { name: 'Search runs' }).fill('no such run')
    await button('Show all runs').click()
    await page
      .getByRole('radiogroup', { name: 'State of the runs shown' })
      .getByText(/^Stopped/)
      .click()
    await row('two').waitFor()
    await expect.poll(() => row('three').count()).toBe(0)
    await page.getByRole('radiogroup', { name: 'State of the runs shown' }).getByText(/^All/).click()
  })

  test('are tagged, and deleted after a question that names what is lost; adapters stay', async () => {
    const { page } = desk
    const run = (await ask('runs.list', {})).find(({ title }) => title === 'three')
    await page.getByRole('checkbox', { name: 'Choose three' }).check()
    await page.getByRole('checkbox', { name: 'Choose two' }).check()
    await button('Tags and notes…').click()
    await page.getByRole('dialog').getByLabel('Tags', { exact: true }).fill('paper')
    await page.keyboard.press('Enter')
    await button('Save').click()
    await expect.poll(async () => row('three').getByText('paper').count()).toBe(1)
    await button('Delete…').click()
    const question = page.getByRole('dialog')
    await question.getByText(/[\d.]+ [KM]iB of working files will be lost/).waitFor()
    await question.getByRole('button', { name: 'Delete 2 runs' }).click()
    await expect.poll(() => row('three').count()).toBe(0)
    expect(readdirSync(run?.out ?? '')).toContain('adapter_model.safetensors')
    expect((await ask('runs.list', {})).map(({ title }) => title)).not.toContain('two')
  })

  test('that are chosen are compared', async () => {
    await row('one').getByRole('checkbox').check()
    await row('killed').getByRole('checkbox').check()
    await button('Compare').click()
    await desk.page.waitForURL(/#\/compare\?runs=[^,]+,[^,]+$/)
    // The engine's end is a complaint of main, never of the page.
    expect(desk.complaints).toEqual([])
  })
})
