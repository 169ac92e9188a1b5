import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import axe from 'axe-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Desk, dropPaths, goTo, openDesk, removeTemporary, setLook, temporaryFolder } from './harness'

const sample = resolve('resources/sample')
const BUDGET = 'exact-r4-budget'
let desk: Desk

/** Short texts and rows, so that a run takes seconds. */
const recipe = `version: 1
name: ranks
model: ${join(sample, 'model')}
calibration:
  files: [${join(sample, 'text/sotu-calibration.txt')}]
  rows: 16
evaluation:
  files: [${join(sample, 'text/sotu-evaluation.txt')}]
  rows: 8
context: 64
variants:
  - { method: exact, rank: 4 }
`

beforeAll(async () => {
  const folder = await temporaryFolder()
  writeFileSync(join(folder, 'ranks.yaml'), recipe)
  desk = await openDesk()
  await goTo(desk, '/')
  await dropPaths(desk, [join(folder, 'ranks.yaml')])
  await desk.page.waitForURL(/#\/new$/)
})

afterAll(async () => {
  await desk?.close()
  await removeTemporary()
})

const chip = (name: string) => desk.page.getByRole('checkbox', { name: new RegExp(`^${name}(, (adds|takes) .*)?$`) })
const card = () => desk.page.getByTestId('ranks')

describe('ranks by layer', () => {
  test('are switched on in the form, where they say what they add', async () => {
    const { page } = desk
    await expect.poll(() => chip('Same everywhere').isChecked()).toBe(true)
    await expect.poll(() => chip('Where they pay').textContent()).toMatch(/\+\d/)
    await chip('Where they pay').click()
    await page.getByRole('button', { name: 'List 2 variants' }).click()
    await page.getByText(BUDGET).first().waitFor()
    await page.getByText('ranks by layer: PEFT reads them', { exact: false }).first().waitFor()
  })

  test('are told as the run ends, in words and layer by layer', async () => {
    const { page } = desk
    await page.getByRole('button', { name: /^Start/ }).click()
    await page.waitForURL(/#\/runs\//)
    await page.getByTestId('sentence').waitFor({ timeout: 120_000 })
    const words = `^${BUDGET}: (ranks of their own, \\d+ to \\d+, were kept|rank 4 everywhere was kept, .*): held-out KL 0\\.0\\d+ with rank 4 everywhere, 0\\.0\\d+ with them`
    await card().getByText(new RegExp(words)).waitFor()
    await card()
      .getByText(/^[\d,]+ of 71,936 parameters; 2 rows \(126 tokens\) held out$/)
      .waitFor()
    await expect.poll(() => card().locator('polyline').count()).toBe(2)
    await card()
      .getByRole('button', { name: /^Show as table/ })
      .click()
    const table = card().getByRole('table')
    await expect.poll(() => table.getByRole('columnheader').allTextContents()).toEqual(['variant', 'layer', 'rank'])
    await expect.poll(() => table.getByRole('row').count()).toBe(1 + 28)
    await card()
      .getByRole('button', { name: /^Show as chart/ })
      .click()
  })

  test.each(['light', 'dark'] as const)('have room in a narrow window, and no fault in the %s theme', async (look) => {
    const { page } = desk
    await setLook(desk, look, { width: 800, height: 700 })
    await card().scrollIntoViewIfNeeded()
    const [box, svg] = [await card().boundingBox(), await card().locator('svg[data-chart]').boundingBox()]
    expect((svg?.x ?? 0) + (svg?.width ?? 0)).toBeLessThanOrEqual((box?.x ?? 0) + (box?.width ?? 0))
    await page.evaluate(axe.source)
    const faults = await page.evaluate(
      "axe.run('[data-testid=ranks]').then(({ violations }) => violations.map(({ help }) => help))"
    )
    expect(faults).toEqual([])
    if (process.env.QUAIL_PICTURES) await page.screenshot({ path: `${process.env.QUAIL_PICTURES}/ranks-${look}.png` })
  })
})
