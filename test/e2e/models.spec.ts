import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import axe from 'axe-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { snapshotOf, writeHubModel } from '../helpers/hubCaches'
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

const sample = resolve('resources/sample/model')
const SHOTS = resolve('.electron/screenshots')

let desk: Desk
let cache: string
let shelf: string

/** A cache as huggingface_hub leaves it: a model by links, and one that is broken; and a shelf of plain folders. */
beforeAll(async () => {
  await mkdir(SHOTS, { recursive: true })
  const home = await temporaryFolder('quail-models-')
  cache = join(home, 'hub')
  writeHubModel(cache, { repository: 'models--acme--tiny-llama', revision: 'c0ffee1'.padEnd(40, '0'), files: sample })
  writeHubModel(cache, {
    repository: 'models--acme--broken',
    revision: 'badbad1'.padEnd(40, '0'),
    files: { 'config.json': '{"model_type":"llama"}', 'model.safetensors': '<script>alert(1)</script>' }
  })
  shelf = join(home, 'shelf')
  for (const name of ['first', 'second']) await copyModel(join(shelf, name))
  desk = await openDesk({ env: { HF_HUB_CACHE: cache } })
  await goTo(desk, '/models')
})

afterAll(async () => {
  await desk?.close()
  await removeTemporary()
})

/** The sample with a chat template. */
async function copyModel(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true })
  for (const name of ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors']) {
    await writeFile(join(directory, name), await readFile(join(sample, name)))
  }
  await writeFile(
    join(directory, 'chat_template.jinja'),
    "{% for message in messages %}<b>{{ message['content'] }}</b>{% endfor %}"
  )
  await writeFile(join(directory, 'README.md'), '---\nlicense: apache-2.0\n---\n')
}

const row = (name: string) =>
  desk.page.getByRole('table', { name: 'Models' }).getByRole('row').filter({ hasText: name })

/** Findings of axe that keep people out. */
async function seriousFindings(): Promise<string[]> {
  await desk.page.evaluate(axe.source)
  const { violations } = await desk.page.evaluate<{
    violations: { id: string; impact: string; nodes: { html: string }[] }[]
  }>('axe.run({ resultTypes: ["violations"] })')
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`)
}

/** Both themes at both sizes: no serious finding, and a picture to look at. */
async function look(name: string): Promise<void> {
  for (const theme of ['light', 'dark'] as const) {
    await setLook(desk, theme, { width: 1024, height: 700 })
    await desk.page.screenshot({ path: join(SHOTS, `${name}-${theme}-small.png`) })
    await setLook(desk, theme)
    await desk.page.screenshot({ path: join(SHOTS, `${name}-${theme}.png`) })
    expect.soft(await seriousFindings(), `${name} ${theme}`).toEqual([])
  }
  await setLook(desk, 'light')
}

describe('the models page', () => {
  test('finds the sample and the cache by itself, and says of a broken entry what is wrong', async () => {
    await row('Sample model').getByText('Ready').waitFor()
    await expect.poll(() => row('acme/tiny-llama').textContent()).toMatch(/llama3\.82 MBF167\.29 MiBReady/)
    await expect.poll(() => row('acme/broken').textContent()).toContain('Not usable')
    await expect.poll(() => row('acme/broken').textContent()).toContain('is not a safetensors file')
    await expect
      .poll(() => desk.page.getByRole('region', { name: 'Where Quail looked' }).textContent())
      .toContain('2 models')
    await look('models')
  })

  test('filters by word and by state', async () => {
    const { page } = desk
    await page.getByLabel('Search models').fill('acme llama')
    await row('acme/tiny-llama').waitFor()
    await expect.poll(() => page.getByRole('table', { name: 'Models' }).getByRole('row').count()).toBe(3)
    await page.getByText('Not ready 1').click()
    await row('acme/tiny-llama').waitFor({ state: 'detached' })
    await expect.poll(() => row('acme/broken').count()).toBe(1)
    await page.getByText('All 3').click()
    await page.getByLabel('Search models').fill('')
  })

  test('adds a folder by dialog, with all the checkpoints in it', async () => {
    await answerOpenDialog(desk, [shelf])
    await desk.page.getByRole('button', { name: 'Add folder…' }).click()
    await row('first').getByText('Ready').waitFor()
    await row('second').getByText('Ready').waitFor()
    expect(desk.page.url()).toMatch(/#\/models$/)
  })

  test('takes a folder out again and leaves its files', async () => {
    const { page } = desk
    const before = snapshotOf(shelf)
    await page.getByRole('button', { name: 'Remove first from the list' }).click()
    await page.getByRole('dialog').getByText('2 models of').waitFor()
    await page.getByRole('button', { name: 'Remove from list', exact: true }).click()
    await row('second').waitFor({ state: 'detached' })
    expect(snapshotOf(shelf)).toEqual(before)
  })

  test('adds a dropped folder and shows its only checkpoint', async () => {
    await dropPaths(desk, [join(shelf, 'first')])
    await desk.page.waitForURL(/#\/models\/[0-9a-f]{16}$/)
    await desk.page.getByRole('heading', { level: 1, name: 'first' }).waitFor()
  })

  test('says why a dropped folder without a checkpoint is not added', async () => {
    const { page } = desk
    await dropPaths(desk, [resolve('docs')])
    await page.getByRole('alert').filter({ hasText: 'no checkpoint is in' }).waitFor()
    await page.waitForURL(/#\/models$/)
  })

  test('finds what came meanwhile when it searches again', async () => {
    writeHubModel(cache, { repository: 'models--acme--later', revision: 'd'.repeat(40), files: sample })
    await desk.page.getByRole('button', { name: 'Search again' }).click()
    await row('acme/later').getByText('Ready').waitFor()
  })

  test('opens a model by keyboard', async () => {
    const { page } = desk
    await page.getByRole('table', { name: 'Models' }).locator('[data-index="0"]').focus()
    await page.keyboard.press('End')
    await page.keyboard.press('Home')
    await page.keyboard.press('Enter')
    await page.waitForURL(/#\/models\/[0-9a-f]{16}$/)
    await page.goBack()
  })
})

describe('the inspector', () => {
  test('says what the model is', async () => {
    const { page } = desk
    await row('first').click()
    await page.getByRole('heading', { level: 1, name: 'first' }).waitFor()
    const text = await page.getByRole('main').textContent()
    for (const fact of [
      '3.82 M',
      'BF16',
      '7.29 MiB',
      '4 blocks, hidden size 256',
      '72.5 %',
      '28 linears',
      '4,096 tokens',
      'tied to the embedding',
      'up to 512 tokens',
      'chat_template.jinja',
      'apache-2.0'
    ])
      expect(text).toContain(fact)
  })

  test('searches, opens and closes the tree of tensors', async () => {
    const { page } = desk
    const tree = page.getByRole('treegrid', { name: 'Tensors' })
    await page
      .getByRole('status')
      .filter({ hasText: /^38 tensors$/ })
      .waitFor()
    await page.getByLabel('Search tensors').fill('layers.2 q_proj')
    await page.getByText('1 of 38 tensors fit').waitFor()
    await expect.poll(() => tree.getByRole('row').last().textContent()).toContain('q_proj.weight256 × 256BF16')
    await page.getByLabel('Search tensors').fill('norm')
    await page.getByText('9 of 38 tensors fit').waitFor()
    await page.getByLabel('Search tensors').fill('')
    await page.getByRole('button', { name: 'Collapse all' }).click()
    await expect.poll(() => tree.getByRole('row').count()).toBe(2)
    await tree.locator('[data-index="0"]').focus()
    for (const key of ['ArrowRight', 'ArrowDown', 'ArrowDown', 'ArrowRight', 'ArrowRight'])
      await page.keyboard.press(key)
    await expect.poll(() => tree.locator('[aria-expanded="true"]').count()).toBe(2)
    await look('model')
  })

  test('shows linears, tokenizer and chat template, as text only', async () => {
    const { page } = desk
    await page.getByRole('tab', { name: 'Linears' }).click()
    await page.getByRole('cell', { name: 'model.layers.*.mlp.down_proj' }).waitFor()
    await page.getByText('token embedding: its rows are looked up').waitFor()
    await look('model-linears')
    await page.getByRole('tab', { name: 'Tokenizer and chat' }).click()
    await page.getByText("{% for message in messages %}<b>{{ message['content'] }}</b>{% endfor %}").waitFor()
    await page.getByText('ByteLevel').first().waitFor()
    await look('model-tokenizer')
    await page.waitForURL(/tab=tokenizer$/)
  })

  test('leads to a new run with this model', async () => {
    const { page } = desk
    await page.getByRole('link', { name: 'New run with this model' }).click()
    await page.waitForURL(/#\/new/)
    await expect.poll(() => page.locator('input').and(page.getByLabel('Checkpoint')).inputValue()).toContain('first')
  })

  test('says of a folder that was moved away meanwhile that it is gone, and shows it again once it is back', async () => {
    const { page } = desk
    const start = page.getByRole('link', { name: 'New run with this model' })
    const open = async (): Promise<void> => {
      await goTo(desk, '/models')
      await row('first').click()
      await page.getByRole('heading', { level: 1, name: 'first' }).waitFor()
    }
    await open()
    await start.waitFor()
    await rename(join(shelf, 'first'), join(shelf, 'away'))
    await open()
    await page.getByRole('alert').filter({ hasText: 'does not exist' }).waitFor()
    await start.waitFor({ state: 'detached' })
    await rename(join(shelf, 'away'), join(shelf, 'first'))
    await open()
    await start.waitFor()
  })

  test('says of a broken model what is wrong and offers no run', async () => {
    const { page } = desk
    await goTo(desk, '/models')
    await row('acme/broken').click()
    await page.getByRole('alert').filter({ hasText: 'is not a safetensors file' }).waitFor()
    await expect.poll(() => page.getByRole('link', { name: 'New run with this model' }).count()).toBe(0)
    await look('model-broken')
  })
})

describe('the devices page', () => {
  test('names the processor, and for what is missing the reason and what to do', async () => {
    const { page } = desk
    await goTo(desk, '/devices')
    const card = (name: string) => page.getByRole('region', { name })
    await expect.poll(() => card('Processor').textContent()).toContain('Available')
    const cuda = (await card('CUDA').textContent()) ?? ''
    expect(cuda).toContain('Missing')
    expect(cuda).toMatch(/Why: The CUDA files of onnxruntime [\d.]+ are not installed in .*cuda/)
    expect(cuda).toContain('What to do: “npm run setup:cuda” in a clone of Quail brings them')
    await expect.poll(() => card('DirectML').textContent()).toContain('DirectML is a part of Windows; this is Linux')
  })

  test('measures the processor and keeps the result', async () => {
    const { page } = desk
    await page.getByRole('button', { name: /^Measure (speed|again): Processor$/ }).click()
    await page.getByText(/^[\d,.]+ GFLOP\/s$/).waitFor()
    await page.reload()
    await page.getByText(/^[\d,.]+ GFLOP\/s$/).waitFor()
    await look('devices')
  })

  test('has nothing to complain about in the console', () => {
    expect(desk.complaints).toEqual([])
  })
})
