import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import axe from 'axe-core'
import type { Locator } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RUN_FILES, RunOutcome } from '../../src/shared/runFolder'
import { Workplace } from '../helpers/commandLine'
import { seededId, seedHome } from '../helpers/seedRuns'
import { frameGaps } from './frames'
import { answerSaveDialog, type Desk, goTo, openDesk, removeTemporary, setLook } from './harness'

const TEXT = 'sotu-evaluation.txt'
const work = new Workplace()
let desk: Desk
let run: string
let outcome: RunOutcome

/** The recipe of a run of seconds: the sample model, little text. */
function recipe(): string {
  const path = work.path('three.json')
  const text = (file: string) => ({ files: [resolve('resources/sample/text', file)] })
  const value = {
    version: 1,
    name: 'three',
    model: resolve('resources/sample/model'),
    context: 128,
    calibration: { ...text('sotu-calibration.txt'), rows: 16 },
    evaluation: { ...text(TEXT), rows: 32 },
    variants: ['zero', 'svd', 'quailora'].map((method) => ({ method, rank: 8 }))
  }
  writeFileSync(path, JSON.stringify(value))
  return path
}

beforeAll(async () => {
  await seedHome(work.home, 1000)
  const { code, stderr } = await work.quail('run', recipe(), '--out', work.path('adapters'))
  expect(stderr).not.toContain('error')
  expect(code).toBe(0)
  const runs = await work.json<{ id: string; name: string }[]>('runs', 'list', '--json')
  run = runs.find(({ name }) => name === 'three')?.id as string
  outcome = RunOutcome.parse(JSON.parse(readFileSync(join(work.home, 'runs', run, RUN_FILES.outcome), 'utf8')))
  desk = await openDesk({ home: work.home })
}, 300_000)

afterAll(async () => {
  await desk?.close()
  await removeTemporary()
})

const table = () => desk.page.getByRole('table', { name: 'Compared variants' })
const line = (variant: string) => table().getByRole('row').filter({ hasText: variant })
const figure = (value: number): string => value.toPrecision(4)

describe('three variants of a real run', () => {
  test('stand side by side with the figures of result.json', async () => {
    await goTo(desk, `/compare?runs=${run}`)
    for (const [name, value] of Object.entries(outcome.perplexity[TEXT]!.variants)) {
      await line(name).waitFor()
      const {
        standardError,
        klDivergence: kl,
        sameTopToken: same
      } = outcome.perplexity[TEXT]!.statistics!.variants[name]!
      const cells = await line(name).getByRole('cell').allTextContents()
      expect(cells).toContain(`${figure(value)} ± ${standardError!.toFixed(2)}`)
      expect(cells).toContain(`${kl.mean.toFixed(5)} ± ${kl.standardError!.toFixed(5)}`)
      expect(cells).toContain(`${(100 * same.share).toFixed(1)} ± ${(100 * same.standardError!).toFixed(1)} %`)
    }
    const settings = desk.page.getByRole('table', { name: 'Settings that differ' })
    const keys = await settings.getByRole('row').locator('td:first-child').allTextContents()
    expect(keys).toEqual(['variant.method'])
  })

  test('differ from a pinned baseline by signed figures that say better or worse', async () => {
    const { page } = desk
    await page.getByRole('button', { name: 'Pin svd-r8 of three as baseline' }).click()
    await page.waitForURL(/baseline=/)
    const { variants } = outcome.perplexity[TEXT]!
    const change = variants['quailora-r8']! - variants['svd-r8']!
    const cell = line('quailora-r8').getByRole('cell').nth(4)
    const sign = change < 0 ? '▲ −' : '▼ +'
    await expect.poll(() => cell.textContent()).toContain(`${sign}${Math.abs(change).toPrecision(3)}`)
    await expect.poll(() => line('svd-r8').getByText('baseline').count()).toBeGreaterThan(0)
  })

  test('are drawn over each other, on all layers or on one', async () => {
    const { page } = desk
    await page.getByRole('slider', { name: /Calibrated error of all layers/ }).waitFor()
    await page.getByRole('combobox', { name: 'Layer of the curves' }).click()
    await page.getByRole('option', { name: 'model.layers.1.mlp.up_proj' }).click()
    await page.getByRole('slider', { name: /Calibrated error of model\.layers\.1\.mlp\.up_proj/ }).waitFor()
    await page.getByRole('slider', { name: `Perplexity against rank on ${TEXT}; rank` }).waitFor()
  })

  test('can be tagged and noted in place, and taken out', async () => {
    const { page } = desk
    await line('svd-r8').getByText('svd-r8').click()
    const drawer = page.getByRole('dialog')
    await drawer.getByLabel('Notes').fill('a note')
    await drawer.getByRole('combobox', { name: 'Tags' }).fill('kept')
    await page.keyboard.press('Enter')
    await drawer.getByRole('button', { name: 'Close the details' }).click()
    await drawer.waitFor({ state: 'detached' })
    await expect.poll(() => line('svd-r8').textContent()).toContain('kept')
    const stored = await work.json<{ id: string; notes: string; tags: string[] }[]>('runs', 'list', '--json')
    expect(stored.find(({ id }) => id === run)).toMatchObject({ notes: 'a note', tags: ['kept'] })
    await page.getByRole('button', { name: 'Take zero-r8 of three out' }).click()
    await line('zero-r8').waitFor({ state: 'detached' })
    expect(page.url()).toContain(`${run}/svd-r8`)
  })

  test('are saved as a table and as a report that needs nothing else', async () => {
    const { page } = desk
    await answerSaveDialog(desk, work.path('comparison.csv'))
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByRole('menuitem', { name: 'Table as CSV' }).click()
    await page.getByText('Saved comparison.csv').waitFor()
    const csv = readFileSync(work.path('comparison.csv'), 'utf8')
    expect(csv).toContain(String(outcome.perplexity[TEXT]!.variants['svd-r8']))
    await answerSaveDialog(desk, work.path('report.html'))
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByRole('menuitem', { name: 'Report as HTML' }).click()
    await page.getByText('Saved report.html').waitFor()
    const html = readFileSync(work.path('report.html'), 'utf8')
    expect(html).toContain('Layers of quailora-r8, worst first')
    expect(html).not.toMatch(/https?:|<script/)
    const { code, stdout } = await work.quail('report', run, '--out', work.path('cli.html'))
    expect([code, stdout]).toEqual([0, expect.stringContaining('cli.html')])
    expect((await work.quail('report', run, '--out', work.path('cli.html'))).code).toBe(2)
  })

  test.each(['light', 'dark'] as const)('have no serious flaw of accessibility in the %s theme', async (theme) => {
    await setLook(desk, theme)
    await desk.page.evaluate(axe.source)
    const found = (await desk.page.evaluate(`axe.run({ resultTypes: ['violations'] })`)) as axe.AxeResults
    const serious = found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
    expect(serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([])
    await setLook(desk, 'light')
  })
})

describe('a thousand stored runs', () => {
  // Times on a busy machine prove nothing and are printed alone: a table stays quick by drawing no more rows than are seen.
  const MOST_DRAWN = 80
  const drawn = (rows: Locator) => rows.getByRole('row').count()

  test('are listed and filtered on their page, and only those that are seen are drawn', async () => {
    const { page } = desk
    await goTo(desk, '/runs')
    const list = page.getByLabel('All runs', { exact: true })
    const runs = list.getByRole('table').first()
    await expect.poll(() => runs.getAttribute('aria-rowcount')).toBe('1002')
    const search = page.getByRole('textbox', { name: 'Search runs' })
    const typing = await frameGaps(page, async () => {
      await search.pressSequentially('quailora', { delay: 40 })
      await search.fill('')
      await expect.poll(() => runs.getAttribute('aria-rowcount')).toBe('1002')
    })
    const scrolling = await frameGaps(page, async () => {
      await runs.hover()
      for (let i = 0; i < 20; i++) await page.mouse.wheel(0, 1500)
    })
    console.log(`list of 1,000 runs: worst frame typing ${typing.toFixed(0)} ms, scrolling ${scrolling.toFixed(0)} ms`)
    expect(await drawn(runs)).toBeLessThan(MOST_DRAWN)
  })

  test('are listed and filtered in the picker, and only those that are seen are drawn', async () => {
    const { page } = desk
    await goTo(desk, '/compare')
    await page.getByRole('button', { name: 'Choose runs and variants' }).click()
    const search = page.getByRole('textbox', { name: 'Search runs and variants' })
    await page.getByText('3,003 variants shown').waitFor()
    const list = page.getByRole('table', { name: 'Variants of all runs' })
    const worst = await frameGaps(page, async () => {
      await search.pressSequentially('quailora rank:16', { delay: 40 })
      await search.fill('')
      await list.hover()
      for (let i = 0; i < 20; i++) await page.mouse.wheel(0, 1500)
    })
    console.log(`picker of 1,000 runs: worst frame ${worst.toFixed(0)} ms`)
    expect(await drawn(list)).toBeLessThan(MOST_DRAWN)
    await search.fill('tag:sweep')
    await page.getByRole('checkbox', { name: 'Choose all rows' }).check()
    await page.getByRole('button', { name: /^Compare \d+ variants$/ }).click()
    await table().waitFor()
  })

  test('are compared, sorted and filtered, and only those that are seen are drawn', async () => {
    const { page } = desk
    const keys = Array.from({ length: 1000 }, (_, i) => seededId(i))
    await goTo(desk, `/compare?runs=${keys.join(',')}`)
    await page.getByText('3,000 variants of 1,000 runs').waitFor()
    await page.getByRole('slider', { name: /Calibrated error of all layers/ }).waitFor()
    const filter = page.getByRole('textbox', { name: 'Filter the compared variants' })
    const typing = await frameGaps(page, async () => {
      await filter.pressSequentially('svd rank:8 -retry', { delay: 40 })
      await filter.fill('')
      await expect.poll(() => table().getAttribute('aria-rowcount')).toBe('3001')
    })
    const scrolling = await frameGaps(page, async () => {
      await table().hover()
      for (let i = 0; i < 30; i++) await page.mouse.wheel(0, 2000)
    })
    const sorting = await frameGaps(page, async () => {
      await page.getByRole('button', { name: 'Rank', exact: true }).click()
      await page.getByRole('button', { name: 'Rank', exact: true }).click()
    })
    const gaps = { typing, scrolling, sorting }
    console.log(
      `compare of 3,000 variants: worst frame ${Object.entries(gaps)
        .map(([what, ms]) => `${what} ${ms.toFixed(0)} ms`)
        .join(', ')}`
    )
    expect(await drawn(table())).toBeLessThan(MOST_DRAWN)
  })
})
