import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import axe from 'axe-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkedSteps } from '../../src/shared/refinement'
import { type Desk, dropPaths, goTo, openDesk, removeTemporary, setLook, temporaryFolder } from './harness'

const sample = resolve('resources/sample')
const REFINED = 'exact-r4-refined'
let desk: Desk

/** Short texts and rows, so that a run takes seconds. */
const recipe = `version: 1
name: refined
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
  writeFileSync(join(folder, 'refined.yaml'), recipe)
  desk = await openDesk()
  await goTo(desk, '/')
  await dropPaths(desk, [join(folder, 'refined.yaml')])
  await desk.page.waitForURL(/#\/new$/)
})

afterAll(async () => {
  await desk?.close()
  await removeTemporary()
})

const chip = (name: string) => desk.page.getByRole('checkbox', { name: new RegExp(`^${name}(, (adds|takes) .*)?$`) })
const card = () => desk.page.getByTestId('refinement')
const plot = () => card().getByRole('slider')

describe('a refinement', () => {
  test('is switched on in the form, where it says what it adds', async () => {
    const { page } = desk
    await expect.poll(() => chip('As found').isChecked()).toBe(true)
    await expect.poll(() => chip('Refined').textContent()).toMatch(/\+\d/)
    await chip('Refined').click()
    await page.getByText('2 variants', { exact: false }).first().waitFor()
    await page.getByRole('button', { name: 'List 2 variants' }).click()
    await page.getByText(REFINED).first().waitFor()
    // Other steps suit texts of seconds better.
    await chip('Refined').click()
    await expect.poll(() => chip('Refined').isChecked()).toBe(false)
    await page.getByRole('button', { name: 'Other refinement' }).click()
    await page.getByRole('textbox', { name: 'Steps' }).fill('8')
    await page.getByRole('textbox', { name: 'Learning rate' }).fill('0.02')
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await expect.poll(() => chip('Refined, 8 steps, learning rate 0.02').isChecked()).toBe(true)
    await expect.poll(() => chip('Refined').isChecked()).toBe(false)
  })

  test('is told as it goes, step by step', async () => {
    const { page } = desk
    await page.getByRole('button', { name: /^Start/ }).click()
    await page.waitForURL(/#\/runs\//)
    const progress = page.getByRole('status', { name: 'Progress of the run' })
    await progress.getByText(new RegExp(`Now refining ${REFINED}, step \\d of 8`)).waitFor()
    await card().waitFor()
    await card()
      .getByText(/held-out KL 0\.0\d+ (at the start|after \d of 8 steps)/)
      .waitFor()
  })

  test('has its curve, and what was kept in words', async () => {
    const { page } = desk
    await page.getByTestId('sentence').waitFor({ timeout: 120_000 })
    await card()
      .getByText(
        new RegExp(`^${REFINED}: held-out KL 0\\.0\\d+ → 0\\.0\\d+ \\(−\\d+ %\\), kept after \\d of 8 steps; without`)
      )
      .waitFor()
    await card()
      .getByText(/8 steps of 4 rows out of 14, largest step 2 % .*; 2 rows \(126 tokens\) held out/)
      .waitFor()
    await expect.poll(() => card().locator('polyline').count()).toBe(2)
    await expect.poll(() => card().locator('polyline[stroke-dasharray]').count()).toBe(1)
    await expect.poll(() => card().locator('svg[data-chart] text').allTextContents()).toContain(`${REFINED}, kept`)
  })

  test('can be read by keyboard and as a table', async () => {
    await plot().focus()
    await desk.page.keyboard.press('ArrowRight')
    const read = /^steps \d+: exact-r4-refined 0\.0\d+, without adapter 0\.0\d+/
    await expect.poll(() => plot().getAttribute('aria-valuetext')).toMatch(read)
    await card()
      .getByRole('button', { name: /^Show as table/ })
      .click()
    const table = card().getByRole('table')
    await expect
      .poll(() => table.getByRole('columnheader').allTextContents())
      .toEqual(['steps', REFINED, `${REFINED}: without adapter`, `${REFINED}: kept`])
    // Its head, the start, and what the held-out rows said later.
    const asked = checkedSteps({ steps: 8, batch: 4 }, 16).length
    await expect.poll(() => table.getByRole('row').count()).toBe(2 + asked)
    await card()
      .getByRole('button', { name: /^Show as chart/ })
      .click()
  })

  test('does not take the figures of layers for its own', async () => {
    const { page } = desk
    const note = page.getByTestId('layers-of-start')
    const variant = page.getByRole('radiogroup', { name: 'Variant' }).getByText(REFINED)
    await variant.click()
    await note.waitFor()
    await page.getByText(`Error removed by the start of ${REFINED}, layer by layer`).waitFor()
    await page.getByRole('radiogroup', { name: 'Variant' }).getByText('exact-r4', { exact: true }).click()
    await note.waitFor({ state: 'detached' })
  })

  test.each(['light', 'dark'] as const)('has room in a narrow window, and no fault in the %s theme', async (look) => {
    const { page } = desk
    await setLook(desk, look, { width: 800, height: 700 })
    await card().scrollIntoViewIfNeeded()
    const [box, svg] = [await card().boundingBox(), await card().locator('svg[data-chart]').boundingBox()]
    expect((svg?.x ?? 0) + (svg?.width ?? 0)).toBeLessThanOrEqual((box?.x ?? 0) + (box?.width ?? 0))
    await page.evaluate(axe.source)
    const faults = await page.evaluate(
      "axe.run('[data-testid=refinement]').then(({ violations }) => violations.map(({ help }) => help))"
    )
    expect(faults).toEqual([])
  })
})
