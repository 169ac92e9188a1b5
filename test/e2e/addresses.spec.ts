import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { importSet } from '../../src/store/calibrationSets'
import { closeStore, openStore } from '../../src/store/database'
import { type Desk, goTo, openDesk, removeTemporary, temporaryFolder } from './harness'

/* Names that mean something in an address, and addresses of what is not there. */

const NAMES = ['100%', '100% law', 'law%41', 'a/b?c#d&e=f+g', 'Größe']
let desk: Desk

beforeAll(async () => {
  const home = await temporaryFolder()
  const store = await openStore(join(home, 'quail.db'))
  const source = { path: '/texts/law.txt', sha256: '0'.repeat(64) }
  for (const name of NAMES) await importSet(store, { name, source, samples: ['We the people'] })
  await closeStore(store)
  desk = await openDesk({ home })
})

afterAll(async () => {
  await desk?.close()
  await removeTemporary()
})

const title = (name: string) => desk.page.getByRole('heading', { level: 1, name, exact: true })

describe('a set', () => {
  test.each(NAMES)('called %s has a page, from which a run is made', async (name) => {
    const { page } = desk
    await goTo(desk, '/data')
    await page.getByRole('link', { name, exact: true }).click()
    await title(name).waitFor()
    await page.getByRole('tab', { name: 'Provenance' }).click()
    await page.getByText('/texts/law.txt').first().waitFor()
    await page.getByRole('link', { name: 'New run with this set' }).click()
    await page.getByRole('group', { name: 'Calibration' }).getByText(name, { exact: true }).waitFor()
  })

  test('is found by an address that somebody typed as it is called', async () => {
    await goTo(desk, '/')
    await goTo(desk, '/data/100%')
    await title('100%').waitFor()
  })
})

test('a form that names a deleted set offers nothing of it, until it is back', async () => {
  const { page } = desk
  await goTo(desk, '/data/Größe')
  await page.getByRole('link', { name: 'New run with this set' }).click()
  const calibration = page.getByRole('group', { name: 'Calibration' })
  const offers = [
    calibration.getByRole('link', { name: 'Preview' }),
    page.getByRole('button', { name: 'Hold out 10 % of Größe' })
  ]
  for (const offer of offers) await offer.waitFor()
  const asked = (name: string, input: object) =>
    page.evaluate(`window.quail.call('${name}', ${JSON.stringify(input)}).then(({ value }) => value)`)
  const { deletion } = (await asked('calibration.delete', { names: ['Größe'] })) as { readonly deletion: string }
  for (const offer of offers) await offer.waitFor({ state: 'detached' })
  await calibration.getByText('Größe', { exact: true }).waitFor()
  await asked('deletions.undo', { id: deletion })
  for (const offer of offers) await offer.waitFor()
})

describe('what is not there', () => {
  test.each([
    ['/runs/none', 'there is no run "none"', 'Runs'],
    ['/runs/none/export', 'there is no run "none"', 'Runs'],
    ['/sweeps/none', 'there is no sweep "none"', 'Sweeps'],
    ['/data/none', 'there is no calibration set named "none"', 'Data'],
    ['/models/none', 'this model is not in the list any more', 'Models']
  ])('is said so on %s, with the way to what there is', async (address, words, list) => {
    await goTo(desk, address)
    await desk.page.getByRole('alert').getByText(words).waitFor()
    await desk.page.getByRole('link', { name: `Go to ${list}` }).click()
    await title(list).waitFor()
  })
})

test('nothing of it was too much for the page', () => {
  expect(desk.complaints).toEqual([])
})
