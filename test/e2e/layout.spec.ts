import { copyFileSync, cpSync, readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { importSet } from '../../src/store/calibrationSets'
import { closeStore, openStore } from '../../src/store/database'
import { setRunTags } from '../../src/store/runs'
import { Workplace } from '../helpers/commandLine'
import { seededId, seedHome } from '../helpers/seedRuns'
import { type Desk, goTo, openDesk, removeTemporary, setLook, temporaryFolder } from './harness'

let desk: Desk

beforeAll(async () => {
  const home = await temporaryFolder()
  desk = await openDesk({ home })
  await desk.close()
  await seedHome(home, 3)
  await storeSets(home)
  await storeTags(home)
  await runOfLongNames(home)
  desk = await openDesk({ home, profile: desk.profile })
})

afterAll(async () => {
  await desk?.close()
  await removeTemporary()
})

/** More sets than are found by looking, one with a long name. */
async function storeSets(home: string): Promise<void> {
  const store = await openStore(join(home, 'quail.db'))
  const names = Array.from({ length: 12 }, (_, i) => (i === 5 ? 'speeches-of-'.repeat(12) + i : `set-${i}`))
  for (const name of names) {
    const source = { path: `/texts/${name.slice(0, 40)}.jsonl`, sha256: '0'.repeat(64) }
    await importSet(store, { name, source, samples: ['A sample.'] })
  }
  await closeStore(store)
}

const LONG = 'a_name_without_a_place_to_break_'.repeat(5)

/** A run of a model and of texts that have names as long as a disk allows. */
async function runOfLongNames(home: string): Promise<void> {
  const folder = await temporaryFolder()
  const [model, text] = [join(folder, LONG), join(folder, `${LONG}.txt`)]
  cpSync(resolve('resources/sample/model'), model, { recursive: true })
  copyFileSync(resolve('resources/sample/text/moby-evaluation.txt'), text)
  const texts = { files: [text], rows: 4 }
  const variants = ['svd', 'exact'].map((method) => ({ method, rank: 2 }))
  const recipe = {
    version: 1,
    name: LONG.slice(0, 120),
    model,
    context: 32,
    calibration: texts,
    evaluation: texts,
    variants
  }
  writeFileSync(join(folder, 'recipe.json'), JSON.stringify(recipe))
  const run = new Workplace().startWith(
    { QUAIL_HOME: home },
    'run',
    join(folder, 'recipe.json'),
    '--out',
    join(folder, 'out')
  )
  const { code, stderr } = await run.ended
  expect([code, stderr]).toEqual([0, expect.anything()])
}

const TAGS = ['baseline', 'long-context', 'paper', 'a-tag-that-somebody-wrote-out-in-full']

/** More tags than stand side by side in their column. */
async function storeTags(home: string): Promise<void> {
  const store = await openStore(join(home, 'quail.db'))
  await setRunTags(store, seededId(2), TAGS)
  await closeStore(store)
}

/** Where the search begins; what opens over the page hides the header from roles, not from sight. */
const left = async (): Promise<number | undefined> =>
  (await desk.page.locator('button[aria-label^="Search or do"]').boundingBox())?.x

describe('the header', () => {
  test('stands still from a short page to a long one, and under what opens over the page', async () => {
    const { page } = desk
    await setLook(desk, 'light', { width: 1280, height: 800 })
    await goTo(desk, '/compare')
    await page.getByRole('heading', { level: 1, name: 'Compare' }).waitFor()
    const place = await left()
    await goTo(desk, `/runs/${seededId(0)}`)
    await page.getByRole('heading', { name: 'Layers' }).waitFor()
    expect(await left()).toBe(place)
    await page.keyboard.press('Control+k')
    await page.getByRole('dialog').waitFor()
    expect(await left()).toBe(place)
    await page.keyboard.press('Escape')
    await page.getByRole('table', { name: 'Layers' }).getByRole('row').nth(1).click()
    await page.getByRole('dialog').waitFor()
    expect(await left()).toBe(place)
    await page.keyboard.press('Escape')
  })

  test('says which page is read, as long as its title is scrolled away', async () => {
    const { page } = desk
    const shown = page.locator('[data-scrolled-title]')
    await setLook(desk, 'light', { width: 820, height: 700 })
    await goTo(desk, '/sweeps') // from its top, wherever the run was read before
    await page.getByRole('heading', { level: 1, name: 'Sweeps' }).waitFor()
    await goTo(desk, `/runs/${seededId(0)}`)
    const heading = page.getByRole('heading', { level: 1 })
    const title = (await heading.textContent()) as string
    const layers = page.getByRole('heading', { name: 'Layers' })
    await layers.waitFor()
    await expect.poll(() => shown.count()).toBe(0)
    await layers.scrollIntoViewIfNeeded()
    await page.mouse.move(450, 350)
    await page.mouse.wheel(0, 600)
    await expect.poll(() => shown.textContent()).toBe(title)
    await expect.poll(() => shown.getAttribute('title')).toBe(title)
    await page.mouse.wheel(0, -20_000)
    await expect.poll(() => shown.count()).toBe(0)
    await page.mouse.wheel(0, 1500)
    await expect.poll(() => shown.count()).toBe(1)
    await goTo(desk, '/sweeps')
    await page.getByRole('heading', { level: 1, name: 'Sweeps' }).waitFor()
    await expect.poll(() => shown.count()).toBe(0)
  })
})

/** On how many lines the names with hyphens in a text of the window stand, each. */
const LINES_OF_NAMES = `(paragraph) => {
  const lines = []
  const texts = document.createTreeWalker(paragraph, NodeFilter.SHOW_TEXT)
  for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
    for (const found of node.textContent.matchAll(/[\\w-]+-\\w+/g)) {
      const range = document.createRange()
      range.setStart(node, found.index)
      range.setEnd(node, found.index + found[0].length)
      lines.push(new Set([...range.getClientRects()].map(({ top }) => top)).size)
    }
  }
  return lines
}`

test('the names in the sentence of a run stand on one line each, at every width', async () => {
  const { page } = desk
  await goTo(desk, `/runs/${seededId(0)}`)
  await page.getByTestId('sentence').waitFor()
  const lines = () => page.evaluate(`(${LINES_OF_NAMES})(document.querySelector('[data-testid=sentence]'))`)
  const { length } = (await lines()) as number[]
  expect(length).toBeGreaterThan(1)
  for (let width = 600; width <= 1280; width += 10) {
    await page.setViewportSize({ width, height: 800 })
    expect([width, await lines()]).toEqual([width, Array.from({ length }, () => 1)])
  }
})

describe('names without a place to break, in a window 800 pixels wide,', () => {
  const run = (): string => readdirSync(join(desk.home, 'runs')).find((id) => id.includes('a-name-without')) as string

  test.each([
    ['/runs/', 'Layers'],
    ['/compare?runs=', 'Settings that differ'],
    ['/new?recipe=', 'Variants']
  ])('leave room for everything on %s', async (page, heading) => {
    await setLook(desk, 'light', { width: 800, height: 700 })
    await goTo(desk, `${page}${run()}`)
    await desk.page.getByRole('heading', { name: heading, exact: true }).waitFor()
    await expect
      .poll(() => desk.page.evaluate('document.documentElement.scrollWidth - innerWidth'))
      .toBeLessThanOrEqual(0)
  })

  test('are shown whole where a field cuts them and the pointer rests on it', async () => {
    const { page } = desk
    await goTo(desk, `/new?recipe=${run()}`)
    const model = page.locator('input').and(page.getByLabel('Checkpoint'))
    await model.hover()
    await expect.poll(() => model.getAttribute('title')).toBe(LONG)
    const project = page.locator('input').and(page.getByLabel('Project'))
    await project.hover()
    await expect.poll(() => project.getAttribute('title')).toBeNull()
  })

  test('head a column of a comparison that is no wider than others', async () => {
    await goTo(desk, `/compare?runs=${run()},${seededId(0)}`)
    const head = desk.page.getByRole('columnheader', { name: /^Perplexity, a_name/ })
    const box = await head.boundingBox()
    expect(box?.width).toBeLessThan(260)
  })
})

/** Pixels of a table that are seen only after scrolling down. */
function hiddenHeight(table: unknown): number {
  const { scrollHeight, clientHeight } = table as { readonly scrollHeight: number; readonly clientHeight: number }
  return scrollHeight - clientHeight
}

/** Pixels of a table that are seen only after scrolling sideways. */
function hiddenWidth(table: unknown): number {
  const { scrollWidth, clientWidth } = table as { readonly scrollWidth: number; readonly clientWidth: number }
  return scrollWidth - clientWidth
}

describe('a window 800 pixels wide', () => {
  test.each([
    ['/', 'Home'],
    ['/new', 'New run'],
    ['/data', 'Data'],
    ['/models', 'Models']
  ])('has room for the line below the title of %s', async (path, title) => {
    await setLook(desk, 'light', { width: 800, height: 700 })
    await goTo(desk, path)
    const heading = desk.page.getByRole('heading', { level: 1, name: title })
    await heading.waitFor()
    const box = await heading.locator('xpath=..').boundingBox()
    expect(box?.width).toBeGreaterThan(300)
  })

  test.each([
    ['/runs', 'Runs'],
    ['/models', 'Models'],
    ['/data', 'Calibration sets']
  ])('shows every figure of the table of %s without scrolling sideways', async (path, label) => {
    await setLook(desk, 'light', { width: 800, height: 700 })
    await goTo(desk, path)
    const table = desk.page.getByRole('table', { name: label, exact: true })
    await table.getByRole('row').nth(1).waitFor()
    await expect.poll(() => table.evaluate(hiddenWidth)).toBe(0)
  })

  test('says in a line of the runs what folded columns say', async () => {
    await setLook(desk, 'light', { width: 1280, height: 700 })
    await goTo(desk, '/runs')
    const table = desk.page.getByRole('table', { name: 'Runs', exact: true })
    const row = table.getByRole('row').nth(1)
    await table.getByRole('columnheader', { name: 'Model' }).waitFor()
    const model = await row.getByRole('cell').nth(3).innerText()
    await setLook(desk, 'light', { width: 800, height: 700 })
    await table.getByRole('columnheader', { name: 'Model' }).waitFor({ state: 'detached' })
    await expect.poll(() => row.innerText()).toContain(model)
  })
})

test('a list that is the last of its page takes the room that a high window has, and no more', async () => {
  const { page } = desk
  await setLook(desk, 'light', { width: 1280, height: 900 })
  await goTo(desk, '/data')
  const table = page.getByRole('table', { name: 'Calibration sets' })
  await table.getByRole('row').nth(12).waitFor()
  await expect.poll(() => table.evaluate(hiddenHeight)).toBe(0)
  await expect.poll(() => page.evaluate('document.documentElement.scrollHeight - innerHeight')).toBe(0)
})

test('a question about something with a name without a place to break shows all of it', async () => {
  const { page } = desk
  await setLook(desk, 'light', { width: 1280, height: 800 })
  await goTo(desk, '/runs')
  await page
    .getByRole('table', { name: 'Runs', exact: true })
    .getByRole('row')
    .filter({ hasText: LONG.slice(0, 120) })
    .dblclick()
  await page.getByRole('button', { name: /^More for / }).click()
  await page.getByRole('menuitem', { name: 'Delete…' }).click()
  const question = page.getByRole('dialog', { name: /^Delete the run/ })
  await question.waitFor()
  await expect.poll(() => question.evaluate(hiddenWidth)).toBe(0)
  await expect.poll(() => question.getByRole('heading').evaluate(hiddenWidth)).toBe(0)
  await page.getByRole('button', { name: 'Cancel' }).click()
})

test('a run with many tags shows all of them', async () => {
  await setLook(desk, 'dark', { width: 1440, height: 800 })
  await goTo(desk, '/runs')
  const tags = desk.page
    .getByRole('table', { name: 'Runs', exact: true })
    .getByRole('cell')
    .filter({ hasText: TAGS[3]! })
  for (const tag of TAGS) await expect.poll(() => tags.innerText()).toContain(tag)
  expect(await tags.evaluate(hiddenWidth)).toBe(0)
})

describe('a chosen row', () => {
  test.each(['light', 'dark'] as const)('is told from the badge of its state in the %s theme', async (theme) => {
    await setLook(desk, theme, { width: 1280, height: 800 })
    await goTo(desk, '/runs')
    const row = desk.page.getByRole('table', { name: 'Runs', exact: true }).getByRole('row').nth(1)
    await row.getByRole('checkbox').check()
    await row.getByRole('cell').nth(1).waitFor()
    const [badge, behind] = (await desk.page.evaluate(COLOURS)) as [number[], number[]]
    await row.getByRole('checkbox').uncheck()
    // Two shades of one hue: a difference that is seen, though neither is text.
    expect(Math.max(...badge.map((value, i) => Math.abs(value - (behind[i] ?? 0))))).toBeGreaterThan(15)
  })
})

/** Red, green and blue of a row's badge and of the row beside it, as they are painted. */
const COLOURS = `(() => {
  const row = document.querySelector('[role=row][aria-selected=true]')
  const canvas = document.createElement('canvas').getContext('2d')
  const painted = (elements) => {
    for (const element of elements) {
      canvas.fillStyle = getComputedStyle(element).backgroundColor
      canvas.fillRect(0, 0, 1, 1)
    }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3)
  }
  return [painted([document.body, row, row.querySelector('.mantine-Badge-root')]), painted([document.body, row])]
})()`

describe('many stored sets', () => {
  test('are searched where a text is chosen', async () => {
    const { page } = desk
    await setLook(desk, 'light', { width: 1280, height: 800 })
    await goTo(desk, '/new')
    await page
      .getByRole('group', { name: 'Calibration' })
      .getByRole('button', { name: /text for calibration/ })
      .click()
    await page.getByRole('textbox', { name: 'Search sets and files' }).fill('speeches')
    await expect.poll(() => page.getByRole('menuitem').allTextContents()).toHaveLength(2)
    await page.getByRole('menuitem', { name: /^speeches/ }).click()
    const chosen = page.getByRole('group', { name: 'Calibration' }).getByText('speeches-of-', { exact: false })
    await chosen.waitFor()
    // What is beside a long name keeps its width.
    expect((await chosen.locator('xpath=..').locator('svg').boundingBox())?.width).toBe(16)
  })
})
