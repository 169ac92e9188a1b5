import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { importSet } from '../../src/store/calibrationSets'
import { closeStore, openStore } from '../../src/store/database'
import { createProject } from '../../src/store/projects'
import { setRunProject } from '../../src/store/runs'
import { seedRuns } from '../helpers/seedRuns'
import { type Desk, goTo, openDesk, removeTemporary, temporaryFolder } from './harness'

/* What a person keeps beside runs, puts away, and deletes by mistake. */

let desk: Desk

beforeAll(async () => {
  const home = await temporaryFolder()
  const store = await openStore(join(home, 'quail.db'))
  const [first] = await seedRuns(store, 3)
  const project = await createProject(store, 'Courts')
  await setRunProject(store, first as string, project)
  const source = { path: '/texts/law.txt', sha256: '0'.repeat(64) }
  await importSet(store, { name: 'law', source, samples: ['We the people'] })
  await closeStore(store)
  desk = await openDesk({ home })
})

afterAll(async () => {
  await desk?.close()
  await removeTemporary()
})

const button = (name: string) => desk.page.getByRole('button', { name, exact: true })
const item = (name: string) => desk.page.getByRole('menuitem', { name, exact: true })
const card = (name: string) => desk.page.getByRole('article', { name: `Project ${name}` })
const rows = () => desk.page.getByRole('table', { name: 'Runs' }).getByRole('row').filter({ hasText: 'completed' })

const rowsAre = (count: number) => expect.poll(() => rows().count()).toBe(count)

async function choose(project: string, action: string): Promise<void> {
  await button(`Actions for ${project}`).click()
  await item(action).click()
}

describe('a project', () => {
  test('keeps its notes', async () => {
    await choose('Courts', 'Notes…')
    await desk.page.getByRole('textbox', { name: 'Notes' }).fill('for the paper')
    await button('Save').click()
    await card('Courts').getByText('for the paper').waitFor()
  })

  test('that is archived is out of sight with its runs, and is reached where it is asked for', async () => {
    const { page } = desk
    await choose('Courts', 'Archive')
    await card('Courts').waitFor({ state: 'detached' })
    await goTo(desk, '/runs')
    await rowsAre(2)
    await page.getByRole('combobox', { name: 'Project of the runs shown' }).click()
    await page.getByRole('option', { name: 'Courts' }).click()
    await rowsAre(1)
    await goTo(desk, '/')
    await page.getByRole('switch', { name: 'Show archived (1)' }).press('Space')
    await card('Courts').getByText('for the paper').waitFor()
    await choose('Courts', 'Bring back')
    await card('Courts').getByText('archived').waitFor({ state: 'detached' })
  })

  test('is deleted with its runs after a question, and comes back with them', async () => {
    await choose('Courts', 'Delete…')
    await desk.page
      .getByRole('dialog')
      .getByText(/^1 run with all figures/)
      .waitFor()
    await button('Delete the project').click()
    await card('Courts').waitFor({ state: 'detached' })
    await button('Undo').click()
    await card('Courts').getByText('1 run,').waitFor()
  })
})

describe('a run', () => {
  test('gets another name on its page, which says how long it took', async () => {
    const { page } = desk
    await goTo(desk, '/runs')
    await rows().first().dblclick()
    await page.getByText(/^took /).waitFor()
    await page.getByRole('button', { name: /^More for / }).click()
    await item('Name, tags, notes…').click()
    await page.getByRole('textbox', { name: 'Name' }).fill('The good one')
    await button('Save').click()
    await page.getByRole('heading', { level: 1, name: 'The good one' }).waitFor()
  })

  test('that was deleted comes back', async () => {
    const { page } = desk
    await button('More for The good one').click()
    await item('Delete…').click()
    await button('Delete 1 run').click()
    await page.waitForURL(/#\/runs$/)
    await rowsAre(2)
    await page.goBack()
    await page.getByRole('heading', { level: 1, name: 'Run', exact: true }).waitFor()
    await page.getByRole('alert').getByText('there is no run').waitFor()
    await page.goForward()
    await button('Undo').click()
    await rowsAre(3)
    await rows().filter({ hasText: 'The good one' }).waitFor()
  })
})

test('a comparison of nothing that is there says so, and offers a choice', async () => {
  const { page } = desk
  await goTo(desk, '/compare?runs=gone')
  await page.getByText('1 run of the address is not there any more').waitFor()
  await button('Choose runs and variants').waitFor()
})

test('a set that was deleted comes back', async () => {
  const { page } = desk
  await goTo(desk, '/data/law')
  await button('Delete…').click()
  await button('Delete the set').click()
  await page.getByText('No calibration set yet').waitFor()
  await button('Undo').click()
  await page.getByRole('link', { name: 'law' }).waitFor()
  expect(desk.complaints).toEqual([])
})
