import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import axe from 'axe-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  answerOpenDialog,
  type Desk,
  dropPaths,
  goTo,
  openDesk,
  removeTemporary,
  setLook,
  temporaryFolder
} from './harness'

const sample = resolve('resources/sample')
let desk: Desk

/** Short texts and rows, so that a run takes seconds. */
const recipe = `version: 1
name: ranks and texts
model: ${join(sample, 'model')}
calibration:
  files: [${join(sample, 'text/sotu-calibration.txt')}, ${join(sample, 'text/moby-evaluation.txt')}]
  rows: 4
evaluation:
  files: [${join(sample, 'text/sotu-evaluation.txt')}, ${join(sample, 'text/moby-evaluation.txt')}]
  rows: 4
context: 32
variants:
  - { method: svd, rank: 2 }
  - { method: svd, rank: 4 }
  - { method: exact, rank: 2 }
  - { method: exact, rank: 4 }
`

beforeAll(async () => {
  const folder = await temporaryFolder()
  writeFileSync(join(folder, 'sweep.yaml'), recipe)
  desk = await openDesk()
  await goTo(desk, '/')
  await dropPaths(desk, [join(folder, 'sweep.yaml')])
  await desk.page.waitForURL(/#\/new$/)
})

afterAll(async () => {
  await desk?.close()
  await removeTemporary()
})

const chart = () => desk.page.getByRole('slider', { name: /against rank on/ })

describe('a sweep', () => {
  test('is started from the form of a run, which says how many runs it is', async () => {
    const { page } = desk
    await page.getByRole('button', { name: 'Make it a sweep…' }).click()
    const dialog = page.getByRole('dialog', { name: 'Start a sweep' })
    await expect.poll(() => dialog.getByRole('textbox', { name: 'Name' }).inputValue()).toBe('ranks and texts')
    await dialog.getByText(/^6 runs, one after the other, at most .* in all\.$/).waitFor()
    await dialog.getByRole('textbox', { name: 'Seeds' }).fill('2')
    await dialog.getByText(/^4 runs, /).waitFor()
    await dialog.getByRole('checkbox', { name: 'Each calibration file is a set of its own' }).click()
    await dialog.getByText(/^2 runs, /).waitFor()
    await dialog.getByRole('checkbox', { name: 'Each calibration file is a set of its own' }).click()
    await dialog.getByRole('button', { name: 'Start sweep' }).click()
    await page.waitForURL(/#\/sweeps\/.+/)
  })

  test('shows its runs as they are worked on, stops them all, and goes on', async () => {
    const { page } = desk
    await page.getByRole('heading', { name: 'ranks and texts' }).waitFor()
    await page.getByRole('link', { name: /^Run calibrated on moby, seed 1: / }).waitFor()
    await page.getByRole('button', { name: 'Stop', exact: true }).click()
    await page.getByRole('link', { name: 'Run calibrated on moby, seed 1: stopped' }).waitFor()
    await page.getByRole('button', { name: 'Stop', exact: true }).waitFor({ state: 'detached' })
    // This page shows it: nothing is said over it.
    await expect.poll(() => page.getByRole('button', { name: /^Open the/ }).count()).toBe(0)
    await page.evaluate("window.quail.call('queue.hold', { held: true })")
    await page.getByRole('button', { name: 'Go on', exact: true }).click()
    await page.getByText('The queue is paused: nothing begins until it goes on.').waitFor()
    await page.getByRole('button', { name: 'Let the queue go on' }).click()
    await page.getByText(/of 4 runs completed, .*waiting/).waitFor()
    await goTo(desk, '/devices')
    // Nobody looks at it: its end is said once, and not that of each run.
    await page.getByText('The sweep ranks and texts is completed').waitFor({ timeout: 180_000 })
    await expect.poll(() => page.getByRole('button', { name: 'Open the run' }).count()).toBe(0)
    await page.getByRole('button', { name: 'Open the sweep' }).click()
    await page.getByText(/4 of 4 runs completed\. ±/).waitFor()
    await page.getByRole('link', { name: 'Run calibrated on sotu, seed 0: completed' }).click()
    await page.getByRole('heading', { level: 1, name: /^ranks and texts/ }).waitFor()
    await page.getByText('of the sweep ranks and texts').getByRole('link', { name: 'ranks and texts' }).click()
    await page.getByRole('link', { name: 'Run calibrated on sotu, seed 0: completed' }).waitFor()
  })

  test('has a curve against rank with error bars, which can be read by keyboard and as a table', async () => {
    const { page } = desk
    await chart().focus()
    await page.keyboard.press('ArrowRight')
    // svd does not look at the calibration text: its seeds are the same, so that it has no error bar.
    const read = /^rank \d: svd 0\.0\d+, exact 0\.0\d+ ± \d\.\d+(e-\d)?/
    await expect.poll(() => chart().getAttribute('aria-valuetext')).toMatch(read)
    await page.getByRole('radiogroup', { name: 'Figure of the chart' }).getByText('perplexity').click()
    await expect
      .poll(() => chart().getAttribute('aria-label'))
      .toMatch(/^perplexity against rank on sotu-evaluation.txt/)
    await expect.poll(() => page.locator('svg[data-chart] polyline[stroke-dasharray]').count()).toBe(1)
    await page.getByRole('button', { name: /^Show as table: perplexity/ }).click()
    const rows = page.getByRole('table', { name: /^perplexity against rank/ }).getByRole('row')
    await expect.poll(() => rows.count()).toBe(1 + 4)
    await page.getByRole('button', { name: /^Show as chart: perplexity/ }).click()
  })

  test('has tables of each text, and of each variant with all sets and texts', async () => {
    const { page } = desk
    const table = page.getByRole('table', { name: 'exact-r4: each calibration set on each evaluation text' })
    await expect
      .poll(() => table.getByRole('columnheader').allTextContents())
      .toEqual(['calibrated on', 'sotu: gap closed', 'sotu: KL', 'moby: gap closed', 'moby: KL'])
    await expect.poll(() => table.getByRole('row').count()).toBe(3)
    await page.getByRole('table', { name: 'moby-evaluation.txt' }).waitFor()
  })

  test('shows every figure of a text in a narrow window without scrolling sideways', async () => {
    const { page } = desk
    await setLook(desk, 'light', { width: 820, height: 700 })
    const scrolled = page.getByRole('region', { name: 'moby-evaluation.txt, scrolled sideways' })
    await scrolled.waitFor()
    const selector = '[aria-label="moby-evaluation.txt, scrolled sideways"]'
    const beyond = (): Promise<number> =>
      page.evaluate(
        `(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector('${selector}'))`
      )
    await expect.poll(beyond).toBe(0)
    await setLook(desk, 'light')
  })

  test('writes its report, and is listed', async () => {
    const { page } = desk
    await page.getByRole('button', { name: 'Write report' }).click()
    const told = await page.getByText(/^README\.md, sweep\.csv and sweep\.json were written to /).textContent()
    const out = told?.replace(/^.* written to /, '') ?? ''
    const lines = readFileSync(join(out, 'sweep.csv'), 'utf8').trim().split('\r\n')
    expect(lines).toHaveLength(1 + 4 * 2 * 4)
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Sweeps' }).click()
    await page.getByRole('cell', { name: '4 of 4' }).waitFor()
    await page.getByRole('link', { name: 'ranks and texts' }).click()
    await chart().waitFor()
    await goTo(desk, '/devices')
    await page.keyboard.press('Control+k')
    await page.getByRole('textbox', { name: 'Search' }).fill('ranks and texts')
    await page
      .getByRole('dialog')
      .getByText(/4 of 4 runs completed/)
      .click()
    await chart().waitFor()
  })

  test('is called otherwise as a whole, with its runs, and keeps the name that a person gave to one', async () => {
    const { page } = desk
    await page.getByRole('link', { name: 'Run calibrated on moby, seed 1: completed' }).click()
    await page.getByRole('button', { name: /^More for / }).click()
    await page.getByRole('menuitem', { name: 'Name, tags, notes…' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill('the odd one')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { level: 1, name: 'the odd one' }).waitFor()
    await page.getByText('of the sweep').getByRole('link', { name: 'ranks and texts' }).click()
    await page.getByRole('button', { name: 'More for ranks and texts' }).click()
    await page.getByRole('menuitem', { name: 'Rename…' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill('law and whales')
    await page.getByRole('button', { name: 'Rename', exact: true }).click()
    await page.getByRole('heading', { level: 1, name: 'law and whales' }).waitFor()
    await goTo(desk, '/runs')
    const rows = page.getByRole('table', { name: 'Runs' }).getByRole('row')
    await expect.poll(() => rows.filter({ hasText: 'law and whales: ' }).count()).toBe(3)
    await expect.poll(() => rows.filter({ hasText: 'the odd one' }).count()).toBe(1)
  })

  test('is deleted as a whole after a question, and comes back', async () => {
    const { page } = desk
    await goTo(desk, '/sweeps')
    await page.getByRole('button', { name: 'More for law and whales' }).click()
    await page.getByRole('menuitem', { name: 'Delete…' }).click()
    const question = page.getByRole('dialog', { name: 'Delete the sweep “law and whales”?' })
    await question.getByText(/^4 runs with all figures and .*B of working files will be lost/).waitFor()
    await question.getByRole('button', { name: 'Delete the sweep' }).click()
    await page.getByText('No sweep yet').waitFor()
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByRole('cell', { name: '4 of 4' }).waitFor()
    await page.getByRole('link', { name: 'law and whales' }).click()
    await chart().waitFor()
  })

  test('says why its runs failed, once for all of them, and works on them again', async () => {
    const { page } = desk
    const text = join(await temporaryFolder(), 'law.txt')
    copyFileSync(join(sample, 'text/moby-evaluation.txt'), text)
    await answerOpenDialog(desk, [text])
    const ask = <T>(name: string, input: object) =>
      page.evaluate(`window.quail.call('${name}', ${JSON.stringify(input)}).then(({ value }) => value)`) as Promise<T>
    await ask('app.pick', { kind: 'texts' })
    await ask('queue.hold', { held: true })
    const { id } = await ask<{ id: string }>('sweeps.start', {
      recipe: {
        version: 1,
        model: join(sample, 'model'),
        calibration: { files: [text], rows: 4 },
        context: 32,
        variants: [{ method: 'svd', rank: 2 }]
      },
      name: 'unplugged',
      seeds: 2,
      each: false
    })
    renameSync(text, `${text}.away`)
    await ask('queue.hold', { held: false })
    await goTo(desk, `/sweeps/${id}`)
    const reasons = page.getByRole('alert').filter({ hasText: 'Why runs failed' })
    await reasons.getByText(/^law, seed 0; law, seed 1: .*law\.txt/).waitFor()
    renameSync(`${text}.away`, text)
    await page.getByRole('button', { name: 'Go on', exact: true }).click()
    await page
      .getByText(/^2 of 2 runs completed/)
      .or(page.getByText(/, 2 of 2 runs completed/))
      .waitFor()
    await reasons.waitFor({ state: 'detached' })
    await page.goBack()
  })

  test.each(['light', 'dark'] as const)('has room in a narrow window, and no fault in the %s theme', async (look) => {
    const { page } = desk
    await setLook(desk, look)
    await chart().waitFor()
    await setLook(desk, look, { width: 800, height: 700 })
    await chart().waitFor()
    const [room, content] = await page
      .evaluate('[window.innerWidth, document.documentElement.scrollWidth]')
      .then((widths) => widths as [number, number])
    expect(content).toBeLessThanOrEqual(room)
    await page.evaluate(axe.source)
    const faults = await page.evaluate('axe.run().then(({ violations }) => violations.map(({ help }) => help))')
    expect(faults).toEqual([])
    expect(desk.complaints).toEqual([])
  })
})
