import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { headlineOf, headlineSentences } from '../../src/shared/headline'
import { RUN_FILES, RunOutcome } from '../../src/shared/runFolder'
import { Workplace } from '../helpers/commandLine'
import { type Desk, goTo, openDesk, removeTemporary, setLook } from './harness'

/*
 * A run that mixes quantizers: int8 leaves a gap so small that every variant on it has a lower perplexity than any on NF4,
 * and may widen it by more than it is. No page may take one quantizer's figures for the other's.
 */

const TEXT = 'sotu-evaluation.txt'
const work = new Workplace()
let desk: Desk
let run: string
let outcome: RunOutcome
let shown: Record<string, unknown>

function recipe(): string {
  const path = work.path('mixed.json')
  const text = (file: string) => ({ files: [resolve('resources/sample/text', file)] })
  const quantizers = [{ format: 'int8' }, { format: 'nf4' }]
  const value = {
    version: 1,
    name: 'mixed',
    model: resolve('resources/sample/model'),
    context: 128,
    calibration: { ...text('sotu-calibration.txt'), rows: 16 },
    evaluation: { ...text(TEXT), rows: 32 },
    variants: quantizers.flatMap((quantizer) => ['svd', 'quailora'].map((method) => ({ method, rank: 8, quantizer })))
  }
  writeFileSync(path, JSON.stringify(value))
  return path
}

beforeAll(async () => {
  const { code, stderr, stdout } = await work.quail('run', recipe(), '--out', work.path('adapters'))
  expect(stderr).not.toContain('error')
  expect(code).toBe(0)
  const [listed] = await work.json<{ id: string }[]>('runs', 'list', '--json')
  run = listed?.id as string
  outcome = RunOutcome.parse(JSON.parse(readFileSync(join(work.home, 'runs', run, RUN_FILES.outcome), 'utf8')))
  shown = { table: stdout, ...(await work.json<object>('runs', 'show', run, '--json')) }
  desk = await openDesk({ home: work.home })
}, 300_000)

afterAll(async () => {
  await desk?.close()
  await removeTemporary()
})

/** The variant of a quantizer with the lowest perplexity, worked out without the code that is tested. */
function bestOn(quantizer: string): { name: string; share: number } {
  const { fullPrecision, quantizers, variants } = outcome.perplexity[TEXT]!
  const own = outcome.variants.filter((one) => one.quantizer === quantizer).map(({ name }) => name)
  const name = own.reduce((a, b) => (variants[b]! < variants[a]! ? b : a))
  return { name, share: (quantizers[quantizer]! - variants[name]!) / (quantizers[quantizer]! - fullPrecision) }
}

const NF4 = 'nf4-b64-dq'

/** What the best variant of a quantizer is called beside the others: `quailora-r8 · NF4`. */
function labelOf(quantizer: string): string {
  const { method, rank } = outcome.variants.find(({ name }) => name === bestOn(quantizer).name)!
  return `${method}-r${rank} · ${quantizer === NF4 ? 'NF4' : 'INT8'}`
}

/** Texts that their place cuts off, whatever element does it, and lists that scroll sideways at this width; what is only heard is a pixel wide. */
const cutTexts = (): Promise<string[]> =>
  desk.page.evaluate<string[]>(`
    [...document.querySelectorAll('main *')]
      .filter((one) => getComputedStyle(one).overflowX !== 'visible' && !one.matches('pre, :has(pre), [aria-hidden]'))
      .filter((one) => !one.closest('svg, [aria-label="Compared variants"]') || one.matches('[role="cell"], [role="columnheader"]'))
      .filter((one) => one.clientWidth > 1 && one.scrollWidth > one.clientWidth + 1)
      .concat([...document.querySelectorAll('[role="cell"]')].filter((cell) => cell.scrollHeight > cell.closest('[role="row"]').clientHeight + 1))
      .map((one) => one.innerText || one.value)`)

/** Pixels of an element's height that are not seen. */
function hiddenHeight(element: unknown): number {
  const { scrollHeight, clientHeight } = element as { readonly scrollHeight: number; readonly clientHeight: number }
  return scrollHeight - clientHeight
}

describe('a run that mixes NF4 and int8', () => {
  test('has gaps of its own for each, that of NF4 first', () => {
    const { quantizers } = outcome.perplexity[TEXT]!
    expect(Object.keys(quantizers)).toEqual(['int8', NF4])
    expect(quantizers[NF4]! - quantizers.int8!).toBeGreaterThan(0.1)
    expect(headlineOf(outcome)?.results.map(({ quantizer }) => quantizer)).toEqual([NF4, 'int8'])
    // The trap: over all quantizers, the lowest perplexity is not that of the variant that repairs most.
    expect(bestOn(NF4).share).toBeGreaterThan(0.2)
  })

  test('is summed up for each on Home', async () => {
    const card = desk.page.getByRole('article', { name: /Project/ }).filter({ hasText: 'mixed on' })
    const lines = await card.locator('[data-quantizer]').allTextContents()
    const best = bestOn(NF4)
    expect(lines).toHaveLength(2)
    const share = `${(100 * best.share).toFixed(0)} ± [\\d.]+ %`
    expect(lines[0]).toMatch(new RegExp(`${best.name} closes ${share} of the NF4 gap on ${TEXT}`))
    expect(lines[1]).toContain('INT8')
    expect(lines[1]).not.toContain('NF4')
  })

  test('begins its page with a sentence for each, and has an axis for each', async () => {
    await goTo(desk, `/runs/${run}`)
    const sentences = desk.page.getByTestId('sentence').locator('p')
    await sentences.first().waitFor()
    await expect.poll(() => sentences.allTextContents()).toEqual(headlineSentences(outcome).map((one) => `${one}.`))
    await expect.poll(() => sentences.first().textContent()).toContain(bestOn(NF4).name)
    for (const format of ['NF4', 'INT8']) {
      const axis = desk.page.getByRole('img', { name: `Perplexity on ${TEXT}, ${format}.` })
      await expect.poll(() => axis.getAttribute('aria-label')).toContain(`quantized (${format})`)
    }
  })

  test('has the share of each in the list of runs', async () => {
    await goTo(desk, '/runs')
    const line = desk.page.getByRole('row').filter({ hasText: 'mixed' })
    await line.waitFor()
    await expect.poll(() => line.textContent()).toContain(`NF4 ${(100 * bestOn(NF4).share).toFixed(1)} %`)
    await expect.poll(() => line.textContent()).toMatch(/INT8 (−?[\d.]+ %|no gap|≈ quantized|gap unclear)/)
  })

  test('is compared without taking a share of one gap for more than one of the other', async () => {
    const { page } = desk
    await goTo(desk, `/compare?runs=${run}&baseline=${run}/${bestOn('int8').name}`)
    const table = page.getByRole('table', { name: 'Compared variants' })
    // A variant is called by what tells it from the others.
    const row = table.getByRole('row').filter({ hasText: labelOf(NF4) })
    await row.waitFor()
    expect(
      await table
        .getByRole('row')
        .filter({ hasText: labelOf('int8') })
        .count()
    ).toBe(1)
    const gap = row.getByRole('cell').filter({ hasText: `${(100 * bestOn(NF4).share).toFixed(1)} ± ` })
    await gap.first().waitFor()
    await expect.poll(() => gap.first().textContent()).not.toMatch(/[▲▼]/)
  })

  test('offers for export what is best on NF4, and names one for each', async () => {
    const { page } = desk
    await goTo(desk, `/runs/${run}/export`)
    const choice = page.getByRole('combobox', { name: 'Variant' })
    await choice.waitFor()
    await expect.poll(() => choice.inputValue()).toBe(`${labelOf(NF4)} (recommended)`)
    const said = await page.getByText(/Recommended for NF4: /).textContent()
    expect(said).toContain(`Recommended for NF4: ${bestOn(NF4).name}`)
    expect(said).toMatch(/Recommended for INT8: \S+|widens the INT8 gap/)
    await page.getByRole('radio').or(page.getByRole('tab')).first().waitFor()
    await expect.poll(() => page.locator('main').textContent()).toContain('load_in_4bit=True')
  })

  test.each([1024, 1280, 1600])('cuts no number and no name at a width of %s', async (width) => {
    for (const address of [`/runs/${run}`, `/compare?runs=${run}`, '/runs', '/new']) {
      await setLook(desk, 'light', { width, height: 900 })
      await goTo(desk, address)
      await desk.page.locator('[role="cell"], [data-figure="Time"]').first().waitFor()
      await expect.poll(cutTexts).toEqual([])
    }
  })

  test('cuts no long name in a narrow window', async () => {
    const name = 'A very long name of a run, as people write them: speeches of two centuries, version twelve'
    const input = JSON.stringify({ id: run, name })
    expect(await desk.page.evaluate(`window.quail.call('runs.setName', ${input})`)).toMatchObject({ ok: true })
    for (const address of ['/', '/runs', `/runs/${run}`, `/runs/${run}/export`, '/models']) {
      await setLook(desk, 'dark', { width: 1024, height: 768 })
      await goTo(desk, address)
      const shown = address === '/models' ? 'Sample model' : name
      await desk.page.locator('main').getByText(shown).first().waitFor()
      await expect.poll(cutTexts).toEqual([])
    }
  })

  test('has the whole of its sentences in the notice that tells its end on another page', async () => {
    await setLook(desk, 'dark', { width: 800, height: 700 })
    await goTo(desk, '/devices')
    const best = bestOn(NF4).name
    const sentence = `${best} closes a part of the gap on a text with a long name: 91.68 → 91.24 (full precision 90.57). `
    const event = { type: 'run.finished', id: run, title: 'mixed', status: 'completed', sentence: sentence.repeat(3) }
    await desk.app.evaluate(
      ({ BrowserWindow }, told) => BrowserWindow.getAllWindows()[0]?.webContents.send('quail.event', told),
      event
    )
    const notice = desk.page.getByRole('alert').filter({ hasText: 'mixed is completed' })
    await notice.getByRole('button', { name: 'Open the run' }).waitFor()
    await expect.poll(() => notice.evaluate(hiddenHeight)).toBe(0)
    await notice.getByRole('button', { name: 'Close notification' }).click()
  })

  test('is told the same by the command line', () => {
    const best = bestOn(NF4)
    expect(shown.table).toMatch(new RegExp(`recommended +${best.name} for NF4; `))
    expect(shown.table).toContain(`/${best.name}"`)
    expect(shown.headline).toMatchObject({
      text: TEXT,
      results: [{ quantizer: NF4, best: best.name }, { quantizer: 'int8' }]
    })
  })
})
