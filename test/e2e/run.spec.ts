import { createHash } from 'node:crypto'
import { cpSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import axe from 'axe-core'
import type { Locator } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LayerResult } from '../../src/shared/runEvents'
import { RUN_FILES, RunOutcome } from '../../src/shared/runFolder'
import { Workplace } from '../helpers/commandLine'
import { answerOpenDialog, answerSaveDialog, type Desk, goTo, openDesk, removeTemporary, setLook } from './harness'

const TEXT = 'sotu-evaluation.txt'
const NF4 = 'nf4-b64-dq'
const QUAILORA = 'quailora-r8'

const work = new Workplace()
let desk: Desk
let outcome: RunOutcome
let run: string

/** A recipe that takes seconds: the sample model, little text. */
function recipe(name: string, model = resolve('resources/sample/model')): string {
  const path = work.path(`${name}.json`)
  const text = (file: string) => ({ files: [resolve('resources/sample/text', file)] })
  const value = {
    version: 1,
    name,
    model,
    context: 128,
    calibration: { ...text('sotu-calibration.txt'), rows: 16 },
    evaluation: { ...text(TEXT), rows: 32 },
    variants: ['svd', 'quailora'].map((method) => ({ method, rank: 8 }))
  }
  writeFileSync(path, JSON.stringify(value))
  return path
}

const runIds = (): string[] => readdirSync(join(work.home, 'runs'))

/** A run that is killed after its first block. */
async function interruptedRun(name: string, model?: string): Promise<string> {
  const before = runIds()
  const started = work.start('run', recipe(name, model), '--out', work.path(`${name}-adapters`))
  await started.waitFor(/block 1 of 4/)
  started.child.kill('SIGKILL')
  await started.ended
  return runIds().find((id) => !before.includes(id)) as string
}

beforeAll(async () => {
  const { code, stderr } = await work.quail('run', recipe('proof'), '--out', work.path('adapters'))
  expect(stderr).not.toContain('error')
  expect(code).toBe(0)
  run = runIds()[0] as string
  outcome = RunOutcome.parse(JSON.parse(readFileSync(join(work.home, 'runs', run, RUN_FILES.outcome), 'utf8')))
  desk = await openDesk({ home: work.home })
  await goTo(desk, `/runs/${run}`)
  await desk.page.getByTestId('sentence').waitFor()
}, 300_000)

afterAll(async () => {
  await desk?.close()
  await removeTemporary()
})

const layersOf = (variant: string): LayerResult[] => outcome.variants.find(({ name }) => name === variant)?.layers ?? []
const figure = (value: number): string => value.toPrecision(4)
const cell = (block: number, linear: string): Locator =>
  desk.page.getByRole('gridcell', { name: `block ${block}, ${linear}:` })
const drawer = (): Locator => desk.page.getByRole('dialog')
const rowsOf = async (table: Locator): Promise<string[][]> =>
  Promise.all((await table.getByRole('row').all()).map((row) => row.getByRole('cell').allTextContents()))

/** Chooses an entry of a chart's export menu and returns the file that it wrote. */
async function exported(chart: string, entry: string, file: string): Promise<Buffer> {
  const path = work.path(file)
  await answerSaveDialog(desk, path)
  await desk.page.getByRole('button', { name: `Export: ${chart}` }).click()
  await desk.page.getByRole('menuitem', { name: entry }).click()
  await desk.page.getByText(`Saved ${file}`).waitFor()
  return readFileSync(path)
}

describe('the page of a completed run', () => {
  test('says in one sentence what the best variant proved, with the figures of result.json', async () => {
    const measured = outcome.perplexity[TEXT]!
    const [best] = Object.entries(measured.variants).sort(([, a], [, b]) => a - b)[0]!
    const reached = measured.variants[best]!
    // So much text that the gap is no accident: were there none, the sentence would be another.
    const quantized = measured.quantizers[NF4]!
    expect(quantized).toBeGreaterThan(measured.fullPrecision)
    const share = Math.round((100 * (quantized - reached)) / (quantized - measured.fullPrecision))
    expect(share).toBeGreaterThan(0)
    const figures = `${figure(quantized)} → ${figure(reached)} (full precision ${figure(measured.fullPrecision)})`
    const error = (100 * measured.statistics!.variants[best]!.gapClosed!.standardError!).toFixed(0)
    const proved = `${best} closes ${share} ± ${error} % of the NF4 gap on sotu-evaluation: ${figures}.`
    await expect.poll(() => desk.page.getByTestId('sentence').textContent()).toBe(proved)
  })

  test('shows the perplexities of the text as a table, too', async () => {
    const { page } = desk
    const measured = outcome.perplexity[TEXT]!
    await page.getByRole('button', { name: `Show as table: Perplexity on ${TEXT}` }).click()
    const rows = await rowsOf(page.getByRole('table', { name: `Perplexity on ${TEXT}` }))
    const shown = new Map(rows.map(([name, value]) => [name, value]))
    expect(shown.get('full precision')).toBe(figure(measured.fullPrecision))
    expect(shown.get('quantized (NF4)')).toBe(figure(measured.quantizers[NF4]!))
    for (const [name, value] of Object.entries(measured.variants)) expect(shown.get(name)).toBe(figure(value))
    await page.getByRole('button', { name: `Show as chart: Perplexity on ${TEXT}` }).click()
  })

  test('lists the layers, the one that gained least first, and switches between variants', async () => {
    const { page } = desk
    for (const variant of ['svd-r8', QUAILORA]) {
      await page.getByText(variant, { exact: true }).first().click()
      const worst = [...layersOf(variant)].sort((a, b) => b.loss / b.lossRank0 - a.loss / a.lossRank0)[0]!
      const block = /layers\.(\d+)\.(.*)$/.exec(worst.name)!
      const first = page.getByRole('table', { name: 'Layers' }).getByRole('row').nth(1)
      await expect.poll(() => first.getByRole('cell').first().textContent()).toBe(`${block[1]} · ${block[2]}`)
      const removed = `${Number((100 * (1 - worst.loss / worst.lossRank0)).toPrecision(4))}`
      expect((await first.getByRole('cell').nth(4).textContent())?.replace(/0* %$/, '')).toBe(
        removed.replace(/\.?0*$/, '')
      )
    }
    await page.getByRole('textbox', { name: 'Filter layers' }).fill('down_proj')
    await expect.poll(() => page.getByRole('table', { name: 'Layers' }).getByRole('row').count()).toBe(5)
    await page.getByRole('textbox', { name: 'Filter layers' }).fill('')
  })

  test('keeps the chosen variant in its address: a reload, a closed layer and the export lead back to it', async () => {
    const { page } = desk
    for (const variant of ['svd-r8', QUAILORA]) {
      await page.getByText(variant, { exact: true }).first().click()
      await expect.poll(shownVariant).toBe(variant)
      await page.reload()
      await expect.poll(shownVariant).toBe(variant)
      await page.getByRole('table', { name: 'Layers' }).getByRole('row').nth(1).click()
      await drawer().waitFor()
      await page.keyboard.press('Escape')
      await drawer().waitFor({ state: 'detached' })
      expect(await shownVariant()).toBe(variant)
      await page.getByRole('button', { name: 'Export', exact: true }).click()
      await page.getByRole('heading', { name: `Adapter ${variant}` }).waitFor()
      await page.getByRole('link', { name: 'Back to the run' }).click()
      await expect.poll(shownVariant).toBe(variant)
    }
  })

  test('saves every figure of every layer as CSV', async () => {
    const path = work.path('layers.csv')
    await answerSaveDialog(desk, path)
    await desk.page.getByRole('button', { name: 'All variants as CSV' }).click()
    await desk.page.getByText('Saved layers.csv').waitFor()
    const [head, ...lines] = readFileSync(path, 'utf8').trimEnd().split('\r\n')
    expect(head).toContain('certificate')
    const all = outcome.variants.flatMap(({ name, layers }) =>
      layers.map((layer) => `${layer.name},${name},${layer.loss}`)
    )
    const found = lines.map((line) => line.split(',')).map((cells) => `${cells[0]},${cells[1]},${cells[6]}`)
    expect(found.sort()).toEqual(all.sort())
  })

  test('exports pictures that stand for themselves', async () => {
    const chart = `Perplexity on ${TEXT}`
    const svg = (await exported(chart, 'Picture as SVG', 'perplexity.svg')).toString()
    expect(svg).toMatch(/^<\?xml [^>]*\?>\n<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/)
    expect(svg).toContain(figure(outcome.perplexity[TEXT]!.fullPrecision))
    // Colours are resolved: nothing in the file depends on the window's style sheet.
    expect(svg).not.toMatch(/var\(|class=|data-/)
    const png = await exported(chart, 'Picture as PNG', 'perplexity.png')
    expect(png.subarray(1, 4).toString()).toBe('PNG')
    const width = Number(/<svg [^>]*width="(\d+)"/.exec(svg)?.[1])
    expect(png.readUInt32BE(16)).toBe(2 * width)
    const csv = (await exported(chart, 'Table as CSV', 'perplexity.csv')).toString()
    expect(csv).toContain(`full precision,${outcome.perplexity[TEXT]!.fullPrecision},`)
  })
})

describe('the drawer of a layer', () => {
  test('is foretold by the numbers that hovering a cell shows', async () => {
    const layer = layersOf(await shownVariant()).find(({ name }) => name === 'model.layers.2.mlp.up_proj')!
    await cell(2, 'mlp.up_proj').hover()
    await desk.page
      .getByText(`${(100 * (1 - layer.loss / layer.lossRank0)).toFixed(1)} %`)
      .first()
      .waitFor()
    await desk.page.getByText('model.layers.2.mlp.up_proj', { exact: true }).waitFor()
    await desk.page.mouse.move(0, 0)
  })

  test('opens with a click on the strip, is part of the address, and closes with Escape', async () => {
    const { page } = desk
    await cell(2, 'mlp.up_proj').click()
    await drawer().getByText('model.layers.2.mlp.up_proj').waitFor()
    await page.waitForURL(/layers\/model\.layers\.2\.mlp\.up_proj$/)
    await page.reload()
    await drawer().getByText('model.layers.2.mlp.up_proj').waitFor()
    await page.keyboard.press('Escape')
    await drawer().waitFor({ state: 'detached' })
    await page.waitForURL(new RegExp(`/runs/${run}$`))
  })

  test('opens and goes from layer to layer by keyboard alone', async () => {
    const { page } = desk
    await page.getByRole('gridcell').first().focus()
    for (const key of ['ArrowRight', 'ArrowDown', 'ArrowDown', 'Enter']) await page.keyboard.press(key)
    await drawer().getByText('model.layers.1.self_attn.v_proj').waitFor()
    const order = [...layersOf(await shownVariant())].sort((a, b) => b.loss / b.lossRank0 - a.loss / a.lossRank0)
    const at = order.findIndex(({ name }) => name === 'model.layers.1.self_attn.v_proj')
    expect(at).toBeGreaterThan(0)
    await page.keyboard.press('ArrowLeft')
    await drawer()
      .getByText(order[at - 1]!.name)
      .waitFor()
    await page.keyboard.press('j')
    await drawer().getByText('model.layers.1.self_attn.v_proj').waitFor()
    await page.keyboard.press('Escape')
    await drawer().waitFor({ state: 'detached' })
    // Where the person was before.
    expect(await page.evaluate('document.activeElement.getAttribute("data-place")')).toBe('2 1')
  })

  test('zooms into a range of ranks that is dragged over, and back', async () => {
    const { page } = desk
    await goTo(desk, `/runs/${run}/layers/model.layers.0.mlp.up_proj`)
    const chart = drawer().getByRole('slider', { name: /left after each rank/ })
    await chart.waitFor()
    const ranks = async (): Promise<number> => Number(await chart.getAttribute('aria-valuemax'))
    const all = await ranks()
    const { x, y, width, height } = (await chart.boundingBox())!
    await page.mouse.move(x + 60, y + height / 2)
    await page.mouse.down()
    await page.mouse.move(x + width / 3, y + height / 2, { steps: 5 })
    await page.mouse.up()
    await expect.poll(ranks).toBeLessThan(all)
    await drawer().getByRole('button', { name: 'Show all' }).click()
    await expect.poll(ranks).toBe(all)
    await page.keyboard.press('Escape')
    await drawer().waitFor({ state: 'detached' })
  })

  test('shows the curve of the eigenvalues, as lines and as a table', async () => {
    const { page } = desk
    await page.getByRole('table', { name: 'Layers' }).getByRole('row').nth(1).click()
    const name = (await drawer()
      .locator('h2')
      .getByText(/^model\.layers/)
      .textContent()) as string
    const layer = layersOf(QUAILORA).find((one) => one.name === name)!
    const slider = drawer().getByRole('slider', { name: /left after each rank/ })
    await slider.focus()
    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowRight')
    const left = 1 - layer.eigenvalues[0]! / layer.lossRank0
    await expect
      .poll(() => slider.getAttribute('aria-valuetext'))
      .toContain(`best possible ${Number((100 * left).toPrecision(3))} %`)
    await drawer().getByRole('button', { name: 'Show as table: Error against rank' }).click()
    const rows = await rowsOf(drawer().getByRole('table', { name: 'Error against rank' }))
    let sum = 0
    for (let rank = 1; rank <= 8; rank++) {
      sum += layer.eigenvalues[rank - 1]!
      expect(Number(rows[rank + 1]?.[1])).toBeCloseTo(1 - sum / layer.lossRank0, 3)
    }
    expect(Number(rows[9]?.[3])).toBeCloseTo(layer.loss / layer.lossRank0, 3)
    await drawer().getByRole('button', { name: `Show as table: Weight errors before and after` }).click()
    const bins = await rowsOf(drawer().getByRole('table', { name: /Weight errors/ }))
    const counted = bins.slice(1).reduce((total, row) => total + Number(row[3]), 0)
    expect(counted).toBe(layer.shape[0] * layer.shape[1])
    await page.keyboard.press('Escape')
    await drawer().waitFor({ state: 'detached' })
  })
})

describe('what is folded', () => {
  const unfold = (name: string) => desk.page.getByRole('button', { name: new RegExp(`^${name}`) }).click()

  test('is the recipe as the command line takes it', async () => {
    await unfold('Recipe')
    await desk.page.getByRole('button', { name: 'Copy recipe' }).click()
    await desk.page.getByRole('button', { name: 'Copied' }).waitFor()
    const text = await desk.app.evaluate(({ clipboard }) => clipboard.readText())
    writeFileSync(work.path('copied.yaml'), text)
    const plan = await work.quail('plan', work.path('copied.yaml'), '--json')
    expect(plan.stderr).toBe('')
    expect(plan.code).toBe(0)
  })

  test('are the versions, the log and the files with their digests', async () => {
    const { page } = desk
    await unfold('Environment')
    await page.getByText('1.30.0').waitFor()
    // Of the whole model, not of its linears, which are fewer.
    const term = (name: string) => page.locator('dt').getByText(name, { exact: true }).locator('xpath=following::dd[1]')
    await expect.poll(() => term('Model').textContent()).toBe('3,819,776 parameters')
    await expect.poll(() => term('Linears').textContent()).toBe('28')
    await unfold('Log')
    await expect.poll(() => page.getByRole('log').textContent()).toContain('block 4 of 4')
    await unfold('Files')
    const weights = readFileSync(work.path('adapters', QUAILORA, 'adapter_model.safetensors'))
    const digest = createHash('sha256').update(weights).digest('hex')
    const row = page.getByRole('table', { name: 'Adapters' }).getByRole('row', { name: QUAILORA })
    await expect.poll(() => row.textContent()).toContain(digest.slice(0, 12))
  })
})

describe('for everybody', () => {
  test.each(['light', 'dark'] as const)(
    'axe finds nothing serious in the %s theme, with and without a layer',
    async (theme) => {
      await setLook(desk, theme, { width: 1024, height: 700 })
      expect(await seriousFindings()).toEqual([])
      await goTo(desk, `/runs/${run}/layers/model.layers.0.mlp.down_proj`)
      await drawer().getByText('Error against rank').waitFor()
      expect(await seriousFindings()).toEqual([])
      await desk.page.keyboard.press('Escape')
      await drawer().waitFor({ state: 'detached' })
    }
  )
})

describe('a run that did not end well', () => {
  test('is resumed from its page, and shows its results as they appear', async () => {
    const { page } = desk
    const id = await interruptedRun('interrupted')
    await goTo(desk, `/runs/${id}`)
    await page.getByText('The run was interrupted').waitFor()
    await page.getByText('1 block of 4 is kept.', { exact: false }).waitFor()
    await expect.poll(() => page.getByRole('gridcell', { name: /of the error removed/ }).count()).toBe(7)
    await page.getByRole('button', { name: 'Resume' }).click()
    await page.getByRole('status', { name: 'Progress of the run' }).waitFor()
    await page.getByTestId('sentence').waitFor({ timeout: 120_000 })
    await expect.poll(() => page.getByRole('gridcell', { name: /of the error removed/ }).count()).toBe(28)
    const weights = (folder: string): Buffer => readFileSync(work.path(folder, QUAILORA, 'adapter_model.safetensors'))
    await expect.poll(() => page.getByText('completed').count()).toBeGreaterThan(0)
    expect(weights('interrupted-adapters').equals(weights('adapters'))).toBe(true)
  }, 120_000)

  test('goes on with another folder for its adapters where it cannot write to the first', async () => {
    const { page } = desk
    const id = await interruptedRun('elsewhere')
    writeFileSync(work.path('elsewhere-adapters'), 'a file is in the way')
    await goTo(desk, `/runs/${id}`)
    await page.getByRole('button', { name: 'Resume', exact: true }).click()
    const alert = page.getByRole('alert').filter({ hasText: 'The run failed' })
    await alert.waitFor({ timeout: 120_000 })
    const menu = async () => {
      await page.getByRole('button', { name: 'More for elsewhere' }).click()
      await page.getByRole('menuitem', { name: 'Resume with another folder for the adapters…' }).click()
    }
    await answerOpenDialog(desk, [work.path('adapters')])
    await menu()
    await page.getByText(/adapters is not empty \(it holds .*\); a new or empty directory is needed/).waitFor()
    await answerOpenDialog(desk, [work.path('another-folder')])
    await menu()
    await page.getByRole('button', { name: 'Export', exact: true }).waitFor({ timeout: 120_000 })
    expect(readdirSync(work.path('another-folder')).sort()).toEqual(['quailora-r8', 'svd-r8'])
  }, 120_000)

  test('says which file failed it and what to do', async () => {
    const { page } = desk
    const model = work.path('model')
    cpSync(resolve('resources/sample/model'), model, { recursive: true })
    const id = await interruptedRun('broken', model)
    const file = readdirSync(model).find((name) => name.endsWith('.safetensors')) as string
    truncateSync(join(model, file), 1000)
    await goTo(desk, `/runs/${id}`)
    await page.getByRole('button', { name: 'Resume' }).click()
    const alert = page.getByRole('alert').filter({ hasText: 'The run failed' })
    await alert.waitFor({ timeout: 120_000 })
    await expect.poll(() => alert.textContent()).toContain(file)
    await alert.getByRole('button', { name: 'Copy details' }).click()
    await alert.getByRole('button', { name: 'Copied' }).waitFor()
    expect(await desk.app.evaluate(({ clipboard }) => clipboard.readText())).toContain(id)
    await page.getByRole('button', { name: 'Resume' }).waitFor()
    await page.getByRole('button', { name: 'Run again with changes' }).click()
    await page.getByText(`The recipe of run ${id}`).waitFor()
  }, 120_000)

  test('makes the page complain of nothing', () => {
    expect(desk.complaints).toEqual([])
  })
})

const shownVariant = async (): Promise<string> =>
  (await desk.page.locator('input[type=radio]:checked').first().getAttribute('value')) as string

async function seriousFindings(): Promise<string[]> {
  await desk.page.evaluate(axe.source)
  const { violations } = await desk.page.evaluate<{
    violations: { id: string; impact: string; nodes: { html: string }[] }[]
  }>('axe.run({ resultTypes: ["violations"] })')
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`)
}
