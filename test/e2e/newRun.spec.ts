import { execFile } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import {
  answerOpenDialog,
  answerSaveDialog,
  type Desk,
  dropPaths,
  goTo,
  openDesk,
  removeTemporary,
  temporaryFolder
} from './harness'

const sample = resolve('resources/sample')
let desk: Desk
let folder: string

/** Short texts and rows, so that plans and runs take a moment; two things are wrong with it. */
const recipeText = `version: 1
name: dropped
model: ${join(sample, 'model')}
calibration:
  files: [${join(sample, 'text/moby-evaluation.txt')}]
  rows: 16
evaluation:
  files: [${join(sample, 'text/sotu-evaluation.txt')}]
  rows: 4
context: 64
variants:
  - { method: svd, rank: 4, targets: [q_prj, v_proj] }
`

beforeAll(async () => {
  folder = await temporaryFolder()
  writeFileSync(join(folder, 'dropped.yaml'), recipeText)
  desk = await openDesk()
})

afterAll(async () => {
  await desk?.close()
  await removeTemporary()
})

/** The estimate's time as shown, once it is that of the present form. */
async function shownTime(): Promise<string> {
  await desk.page.locator('[aria-label="Estimate"][aria-busy="false"]').waitFor()
  return (await desk.page.locator('[data-figure="Time"]').textContent()) ?? ''
}

const chip = (name: string) => desk.page.getByRole('checkbox', { name: new RegExp(`^${name}(,|$)`) })
const start = () => desk.page.getByRole('button', { name: /^Start/ })

describe('a new run', () => {
  test('can be started at once: the form begins with the sample', async () => {
    await goTo(desk, '/new')
    await start().waitFor()
    await expect.poll(() => start().isEnabled()).toBe(true)
    await expect.poll(() => chip('quailora').isChecked()).toBe(true)
  })

  test('takes a recipe that is dropped on the window, finds what is wrong with it, and mends it by a button', async () => {
    await goTo(desk, '/')
    await dropPaths(desk, [join(folder, 'dropped.yaml')])
    await desk.page.waitForURL(/#\/new$/)
    const finding = desk.page.locator('[data-finding="TARGETS"]')
    await finding.waitFor()
    await expect.poll(() => finding.textContent()).toContain('did you mean q_proj?')
    await expect.poll(() => start().isDisabled()).toBe(true)
    await finding.getByRole('button', { name: 'Use q_proj' }).click()
    await finding.waitFor({ state: 'detached' })
    await expect.poll(() => start().isEnabled()).toBe(true)
    await expect.poll(() => desk.page.getByRole('textbox', { name: 'Name of the run' }).inputValue()).toBe('dropped')
  })

  test('takes a recipe in JSON too, and no other JSON', async () => {
    await goTo(desk, '/')
    writeFileSync(join(folder, 'data.json'), JSON.stringify([{ text: 'some words' }]))
    await dropPaths(desk, [join(folder, 'data.json')])
    // The address names the file only until the page has taken it.
    await desk.page.getByRole('dialog', { name: 'Import a calibration set' }).waitFor()
    writeFileSync(join(folder, 'dropped.json'), JSON.stringify({ ...parse(recipeText), name: 'from JSON' }))
    await dropPaths(desk, [join(folder, 'dropped.json')])
    await desk.page.waitForURL(/#\/new$/)
    const name = desk.page.getByRole('textbox', { name: 'Name of the run' })
    await expect.poll(() => name.inputValue()).toBe('from JSON')
    await desk.page.getByRole('button', { name: 'Back to the earlier draft' }).click()
    await expect.poll(() => name.inputValue()).toBe('dropped')
  })

  test('takes the day that conversations are rendered as of, and forgets it where the field is emptied', async () => {
    const day = () => desk.page.evaluate("JSON.parse(localStorage.getItem('quail.newRun')).recipe.templateDate ?? null")
    await desk.page.getByRole('button', { name: 'Advanced' }).click()
    const field = desk.page.getByLabel('Day in conversations')
    await field.fill('2024-02-29')
    await expect.poll(day).toBe('2024-02-29')
    await field.fill('')
    await expect.poll(day).toBe(null)
    await desk.page.getByRole('button', { name: 'Advanced' }).click()
  })

  test('takes which rows are drawn; the usual draw needs no word in a recipe', async () => {
    const draw = () =>
      desk.page.evaluate("JSON.parse(localStorage.getItem('quail.newRun')).recipe.calibration.draw ?? null")
    await desk.page.getByRole('button', { name: 'Advanced' }).click()
    const field = desk.page.getByRole('textbox', { name: 'Draw of rows' })
    await field.fill('3')
    await expect.poll(draw).toBe(3)
    await field.fill('')
    await expect.poll(() => start().isDisabled()).toBe(true)
    await field.fill('0')
    await expect.poll(draw).toBe(null)
    await expect.poll(() => start().isEnabled()).toBe(true)
    await desk.page.getByRole('button', { name: 'Advanced' }).click()
  })

  test('offers to count all positions of a text that has no responses to count', async () => {
    const { page } = desk
    await page.getByRole('button', { name: 'Advanced' }).click()
    await page.getByRole('combobox', { name: 'Calibrate on' }).click()
    await page.getByRole('option', { name: 'Responses of conversations' }).click()
    const finding = page.locator('[data-finding="TEXT"]')
    await finding.getByRole('button', { name: 'Calibrate on all positions' }).click()
    await finding.waitFor({ state: 'detached' })
    await expect.poll(() => start().isEnabled()).toBe(true)
    await page.getByRole('button', { name: 'Advanced' }).click()
  })

  test('shows what each variant adds, and the estimate follows the chips', async () => {
    const before = await shownTime()
    await chip('exact').click()
    await chip('8').click()
    await desk.page.getByText('4 variants', { exact: false }).first().waitFor()
    await expect.poll(shownTime).not.toBe(before)
    await expect.poll(() => chip('diag').textContent()).toMatch(/\+[\d.]+ s/)
    await chip('svd').click()
    await chip('4').click()
    // The last value of an axis stays. By keyboard: it is said to be disabled, and a forced click may hit what a row moved there.
    await chip('8').focus()
    await desk.page.keyboard.press('Space')
    await expect.poll(() => chip('8').isChecked()).toBe(true)
  })

  test('says while typing what a field misses', async () => {
    const rows = desk.page.getByRole('group', { name: 'Calibration' }).getByRole('textbox', { name: 'Rows per file' })
    await rows.fill('0')
    await desk.page.getByText('At least 1', { exact: true }).waitFor()
    await expect.poll(() => start().isDisabled()).toBe(true)
    await rows.fill('12')
    await expect.poll(() => start().isEnabled()).toBe(true)
  })

  test('takes texts that are dropped on a part of the form there', async () => {
    const group = desk.page.getByRole('group', { name: 'Evaluation' })
    const box = await group.boundingBox()
    if (box === null) throw new Error('the evaluation texts are not in view')
    writeFileSync(join(folder, 'held-out.txt'), readFileSync(join(sample, 'text/moby-evaluation.txt')))
    await dropPaths(desk, [join(folder, 'held-out.txt')], { x: box.x + 60, y: box.y + 40 })
    await group.getByText('held-out.txt').waitFor()
    await desk.page.locator('[data-finding="SAME_TEXT"]').waitFor() // a copy of what it is calibrated on
    await group.getByRole('button', { name: 'Remove held-out.txt' }).click()
    await desk.page.locator('[data-finding="SAME_TEXT"]').waitFor({ state: 'detached' })
    expect(desk.page.url()).toMatch(/#\/new$/)
  })

  test('takes a dropped chat file through the importer, and holds a share of the set out by one click', async () => {
    const { page } = desk
    const lines = Array.from({ length: 20 }, (_, i) =>
      JSON.stringify({ text: `Sample ${i}. ${'Some words. '.repeat(40)}` })
    )
    writeFileSync(join(folder, 'rows.jsonl'), lines.join('\n'))
    const calibration = page.getByRole('group', { name: 'Calibration' })
    const evaluation = page.getByRole('group', { name: 'Evaluation' })
    await desk.page.getByRole('heading', { name: 'Data' }).scrollIntoViewIfNeeded()
    const box = await calibration.boundingBox()
    if (box === null) throw new Error('the calibration texts are not in view')
    await dropPaths(desk, [join(folder, 'rows.jsonl')], { x: box.x + 60, y: box.y + 40 })
    await page.getByRole('button', { name: 'Store the set' }).click()
    await calibration.getByText('rows', { exact: true }).waitFor()
    await page.getByText('A run takes text files or one stored set.').waitFor()
    for (const remove of await evaluation.getByRole('button', { name: /^Remove / }).all()) await remove.click()
    await evaluation.getByRole('button', { name: 'Hold out 10 % of rows' }).click()
    await calibration.getByText('rows-calibration').waitFor()
    await evaluation.getByText('rows-evaluation').waitFor()
    await page.getByRole('button', { name: 'Undo' }).first().click()
    await calibration.getByText('rows-calibration').waitFor({ state: 'detached' })
    await evaluation.getByRole('button', { name: 'Remove rows-evaluation' }).click()
  })

  test('is saved as a recipe that the command line plans unchanged', async () => {
    const path = join(folder, 'saved.yaml')
    await answerSaveDialog(desk, path)
    await desk.page.getByRole('button', { name: 'Save…' }).click()
    await expect.poll(() => existsSync(path)).toBe(true)
    expect(parse(readFileSync(path, 'utf8'))).toMatchObject({
      name: 'dropped',
      calibration: { rows: 12 },
      variants: [{ method: 'exact', rank: 8, targets: ['q_proj', 'v_proj'] }]
    })
    const env = { ...process.env, QUAIL_HOME: await temporaryFolder() }
    const { stdout } = await promisify(execFile)('node', ['bin/quail.js', 'plan', path, '--json'], { env })
    const plan = JSON.parse(stdout) as { variants: { name: string; linears: number }[] }
    expect(plan.variants).toMatchObject([{ name: 'exact-r8', linears: 8 }])
  })

  test('keeps its draft over a restart', async () => {
    const { home, profile } = desk
    await desk.close()
    desk = await openDesk({ home, profile })
    await goTo(desk, '/new')
    const name = desk.page.getByRole('textbox', { name: 'Name of the run' })
    await expect.poll(() => name.inputValue()).toBe('dropped')
    await expect.poll(() => chip('exact').isChecked()).toBe(true)
    await expect.poll(() => start().isEnabled()).toBe(true)
  })

  test('tells of an output folder that is not empty, and puts the adapters in a new one below', async () => {
    await answerOpenDialog(desk, [folder])
    await desk.page.getByRole('button', { name: 'Choose… a folder for the adapters' }).click()
    const finding = desk.page.locator('[data-finding="OUT"]')
    await finding.waitFor()
    await expect.poll(() => start().isDisabled()).toBe(true)
    await finding.getByRole('button', { name: 'Use a new folder in it' }).click()
    await finding.waitFor({ state: 'detached' })
    await desk.page.getByRole('button', { name: 'Use the default folder' }).click()
  })

  test('takes a regular expression for targets, and says what is wrong with another', async () => {
    const targets = desk.page.getByRole('group', { name: 'Targets' })
    await targets.getByText('Pattern', { exact: true }).click()
    const field = targets.getByRole('textbox', { name: 'Regular expression for whole paths of linears' })
    await expect.poll(() => field.inputValue()).toBe('.*\\.(q_proj|v_proj)')
    await field.fill('(?i)q_proj')
    await targets.getByText('holds a flag').waitFor()
    await field.fill('.*\\.[nothing]')
    await field.press('Enter')
    await desk.page.locator('[data-finding="TARGETS"]').waitFor()
    await field.fill('.*\\.[kv]_proj')
    await field.press('Enter')
    await desk.page.locator('[data-finding="TARGETS"]').waitFor({ state: 'detached' })
    await expect.poll(() => start().isEnabled()).toBe(true)
  })

  test('is set up and started by keyboard alone', async () => {
    const { page } = desk
    await goTo(desk, '/')
    await page.keyboard.press('Control+n')
    await page.waitForURL(/#\/new$/)
    await start().waitFor()
    await tabTo('textbox', 'Name of the run')
    await page.keyboard.press('Control+a')
    await page.keyboard.type('by keyboard')
    await page.evaluate('document.activeElement.blur()')
    await tabTo('checkbox', 'exact')
    await tabTo('checkbox', 'svd', 'Shift+Tab')
    await page.keyboard.press('Space')
    await expect.poll(() => chip('svd').isChecked()).toBe(true)
    await expect.poll(() => start().isEnabled()).toBe(true)
    await page.keyboard.press('Control+Enter')
    await page.waitForURL(/#\/runs\/\d{8}-\d{4}-by-keyboard/)
    expect(desk.complaints).toEqual([])
  })

  test('begins with the recipe of a run, and goes back to the draft that it replaced', async () => {
    const run = desk.page.url().match(/#\/runs\/([^/?]+)/)?.[1] as string
    await goTo(desk, '/new')
    const name = desk.page.getByRole('textbox', { name: 'Name of the run' })
    await name.fill('another')
    await goTo(desk, `/new?recipe=${run}`)
    await desk.page.getByText(`The recipe of run ${run}`).waitFor()
    await expect.poll(() => name.inputValue()).toBe('by keyboard')
    await desk.page.getByRole('button', { name: 'Back to the earlier draft' }).click()
    await expect.poll(() => name.inputValue()).toBe('another')
  })

  test('tells how long a text is that is tokenized, and can be told to stop', async () => {
    const { page } = desk
    await goTo(desk, '/new')
    await page.getByRole('button', { name: 'Begin with' }).click()
    await page.getByRole('menuitem', { name: 'The sample model' }).click()
    const paragraph = readFileSync(join(sample, 'text/moby-evaluation.txt'), 'utf8')
    writeFileSync(join(folder, 'a-long-text.txt'), paragraph.repeat(Math.ceil(2 ** 25 / paragraph.length)))
    await page.getByRole('heading', { name: 'Data' }).scrollIntoViewIfNeeded()
    const box = await page.getByRole('group', { name: 'Calibration' }).boundingBox()
    if (box === null) throw new Error('the calibration texts are not in view')
    await dropPaths(desk, [join(folder, 'a-long-text.txt')], { x: box.x + 60, y: box.y + 40 })
    const preflight = page.getByRole('region', { name: 'Preflight' })
    await preflight.getByText(/Tokenizing a-long-text\.txt, 32\.\d MiB/).waitFor()
    await preflight.getByRole('button', { name: 'Cancel' }).click()
    await preflight.getByText('Preflight: not checked').waitFor()
    await expect.poll(() => page.getByRole('button', { name: 'Start when checked' }).isEnabled()).toBe(true)
    await preflight.getByRole('button', { name: 'Check again' }).click()
    await preflight.getByText(/Tokenizing a-long-text\.txt, 32\.\d MiB/).waitFor()
    await page.getByRole('button', { name: 'Remove a-long-text.txt' }).click()
    await expect.poll(() => start().textContent()).toMatch(/^Start(?! when)/)
  })
})

/** Moves the focus by Tab until it is on the element whose accessible name begins so. */
async function tabTo(role: string, name: string, key = 'Tab'): Promise<void> {
  const wanted = desk.page.getByRole(role as 'checkbox', { name: new RegExp(`^${name}(,|$)`) })
  for (let i = 0; i < 80; i++) {
    await desk.page.keyboard.press(key)
    if ((await wanted.and(desk.page.locator(':focus')).count()) === 1) return
  }
  throw new Error(`${name} is not reached by ${key}`)
}
