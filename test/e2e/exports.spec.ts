import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir, hostname, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { ImportedBundle } from '../../src/shared/exports'
import {
  answerOpenDialog,
  answerSaveDialog,
  type Desk,
  dropPaths,
  goTo,
  openDesk,
  removeTemporary,
  setLook,
  temporaryFolder
} from './harness'

const sample = resolve('resources/sample')
const model = join(sample, 'model')
let desk: Desk
let folder: string
let run: string

/** The command line on the desk's own QUAIL_HOME, or on another. */
async function quail(args: readonly string[], home = desk.home): Promise<string> {
  const env = { ...process.env, QUAIL_HOME: home }
  return (await promisify(execFile)(process.execPath, ['bin/quail.js', ...args], { env })).stdout
}

beforeAll(async () => {
  folder = await temporaryFolder()
  const home = await temporaryFolder()
  const texts = [
    '--calibration',
    join(sample, 'text/sotu-calibration.txt'),
    '--evaluation',
    join(sample, 'text/moby-evaluation.txt')
  ]
  const small = [
    '--context',
    '64',
    '--calibration-rows',
    '8',
    '--evaluation-rows',
    '4',
    '--rank',
    '32',
    '--method',
    'svd,exact'
  ]
  const out = join(folder, 'made')
  await promisify(execFile)(
    process.execPath,
    ['bin/quail.js', 'init-lora', '--model', model, ...texts, ...small, '--out', out],
    {
      env: { ...process.env, QUAIL_HOME: home }
    }
  )
  desk = await openDesk({ home })
  ;[run = ''] = readdirSync(join(home, 'runs'))
}, 180_000)

afterAll(async () => {
  await desk?.close()
  await removeTemporary()
})

const button = (name: string | RegExp) => desk.page.getByRole('button', { name, exact: true })

describe('the export page', () => {
  test('is reached from the run, and says where the adapter can be used', async () => {
    await goTo(desk, `/runs/${run}`)
    await button('Export').click()
    await desk.page.waitForURL(/#\/runs\/.+\/export$/)
    const vllm = desk.page.getByRole('row', { name: /vLLM/ })
    await vllm.waitFor()
    await expect.poll(() => vllm.textContent()).toContain('--max-lora-rank 32')
    await expect.poll(() => vllm.getByRole('img', { name: 'With care' }).count()).toBe(1)
  })

  test('breaks no option within its name, in a narrow window either', async () => {
    const { page } = desk
    await setLook(desk, 'light', { width: 820, height: 700 })
    const table = page.getByRole('table', { name: 'Compatibility' })
    await table.getByText(/bnb_4bit_use_double_quant=True/).waitFor()
    const lines = (await page.evaluate(`(() => {
      const found = []
      const table = document.querySelector('table[aria-label="Compatibility"]')
      const texts = document.createTreeWalker(table, NodeFilter.SHOW_TEXT)
      for (let node = texts.nextNode(); node !== null; node = texts.nextNode())
        for (const { index, 0: option } of node.textContent.matchAll(/\\w+=[\\w."]+/g)) {
          const range = document.createRange()
          range.setStart(node, index)
          range.setEnd(node, index + option.length)
          found.push(new Set([...range.getClientRects()].map(({ top }) => top)).size)
        }
      return found
    })()`)) as number[]
    expect(lines.length).toBeGreaterThan(3)
    expect(lines).toEqual(lines.map(() => 1))
    await setLook(desk, 'light')
  })

  test('copies the adapter to a chosen folder, and quail verify accepts the copy', async () => {
    const chosen = join(folder, 'chosen')
    mkdirSync(chosen)
    await answerOpenDialog(desk, [chosen])
    await button('Copy adapter to…').click()
    await desk.page.getByText('Copied and read back').waitFor()
    expect(readdirSync(chosen)).toContain('check_fingerprint.py')
    expect(await quail(['verify', chosen, '--model', model, '--quiet'])).toContain('the adapter fits')
  })

  test('asks before it replaces an adapter, and takes a folder with other things only as a place for a new one', async () => {
    const chosen = join(folder, 'chosen')
    const before = readFileSync(join(chosen, 'adapter_model.safetensors'))
    await desk.page.getByRole('combobox', { name: 'Variant' }).click()
    await desk.page.getByRole('option', { name: 'svd-r32' }).click()
    await desk.page.getByRole('heading', { name: 'Adapter svd-r32' }).waitFor()
    await button('Copy adapter to…').click()
    await desk.page.getByRole('dialog').getByText('already holds an adapter').waitFor()
    await button('Cancel').click()
    expect(readFileSync(join(chosen, 'adapter_model.safetensors')).equals(before)).toBe(true)

    await button('Copy adapter to…').click()
    await button('Replace adapter').click()
    await desk.page.getByText('Copied and read back').waitFor()
    const made = readFileSync(join(folder, 'made/svd-r32/adapter_model.safetensors'))
    expect(readFileSync(join(chosen, 'adapter_model.safetensors')).equals(made)).toBe(true)

    const mixed = join(folder, 'mixed')
    cpSync(chosen, mixed, { recursive: true })
    writeFileSync(join(mixed, 'thesis.txt'), 'three years')
    await answerOpenDialog(desk, [mixed])
    await button('Copy adapter to…').click()
    await desk.page.getByRole('status').getByText('model-svd-r32').waitFor()
    expect(readFileSync(join(mixed, 'thesis.txt'), 'utf8')).toBe('three years')
    expect(existsSync(join(mixed, 'model-svd-r32', 'adapter_config.json'))).toBe(true)
  })

  test('has a snippet for each trainer that names the copy, to copy and to save', async () => {
    const { page } = desk
    await page.getByRole('tab', { name: 'Axolotl' }).click()
    const saved = join(folder, 'axolotl.yaml')
    await answerSaveDialog(desk, saved)
    await button('Save axolotl.yaml…').click()
    await page.getByText(`Saved as ${saved}`).waitFor()
    expect(parse(readFileSync(saved, 'utf8'))).toMatchObject({
      base_model: model,
      lora_model_dir: join(folder, 'mixed', 'model-svd-r32'),
      bnb_config_kwargs: { bnb_4bit_quant_type: 'nf4', bnb_4bit_use_double_quant: true }
    })
    await page.getByRole('tab', { name: 'PEFT' }).click()
    await button('Copy for PEFT').click()
    await button('Copied').waitFor()
    const copied = await desk.app.evaluate(({ clipboard }) => clipboard.readText())
    expect(copied).toContain('is_trainable=True')
  })
})

describe('an adapter and its base', () => {
  test('are verified on the page, check by check', async () => {
    await button('Verify').click()
    await desk.page.getByText('The adapter fits', { exact: true }).waitFor({ timeout: 120_000 })
    await desk.page.getByText('✓ fingerprint').waitFor()
  })

  test('go together as a quantized checkpoint that the window writes', async () => {
    const out = join(folder, 'base')
    await answerSaveDialog(desk, out)
    await button('Write the base…').click()
    await desk.page.getByText('The base is written').waitFor({ timeout: 120_000 })
    expect(readdirSync(out)).toContain('model.safetensors')
    expect(JSON.parse(readFileSync(join(out, 'config.json'), 'utf8'))).toMatchObject({
      quantization_config: { bnb_4bit_quant_type: 'nf4', bnb_4bit_use_double_quant: true }
    })
  })
})

test('the report of the run is saved as one file that asks nobody for more', async () => {
  const saved = join(folder, 'report.html')
  await answerSaveDialog(desk, saved)
  await button('Save report…').click()
  await desk.page.getByText(`Saved as ${saved}`).waitFor()
  const html = readFileSync(saved, 'utf8')
  for (const variant of ['svd-r32', 'exact-r32']) expect(html).toContain(variant)
  expect(html).not.toMatch(/(?:src|href)\s*=\s*["']?https?:/i)
})

describe('a run bundle', () => {
  test('is written by the window and imported by the command line into another QUAIL_HOME', async () => {
    const file = join(folder, 'run.quailrun')
    await answerSaveDialog(desk, file)
    await button('Write run bundle…').click()
    await desk.page.getByRole('status').getByText('run.quailrun').waitFor()
    const other = await temporaryFolder()
    const imported = JSON.parse(await quail(['import-bundle', file, '--json'], other)) as ImportedBundle
    expect(imported.run).toBe(run)
    expect(await quail(['verify', join(imported.out, 'exact-r32'), '--model', model, '--quiet'], other)).toContain(
      'the adapter fits'
    )
  })

  test('is imported by a drop on another window; a damaged one is refused and nothing is written', async () => {
    const other = await openDesk()
    try {
      const bytes = readFileSync(join(folder, 'run.quailrun'))
      bytes[bytes.length - 5000]! ^= 1
      writeFileSync(join(folder, 'damaged.quailrun'), bytes)
      await dropPaths(other, [join(folder, 'damaged.quailrun')])
      await other.page.getByRole('dialog').getByText('is damaged').first().waitFor()
      await other.page.keyboard.press('Escape')
      expect(readdirSync(other.home)).not.toContain('runs')

      await dropPaths(other, [join(folder, 'run.quailrun')])
      await other.page.waitForURL(new RegExp(`#/runs/${run}$`))
      await other.page.getByRole('button', { name: 'Export', exact: true }).waitFor()
    } finally {
      await other.close()
    }
  })
})

describe('the settings', () => {
  test('keep the theme over a restart', async () => {
    await desk.page.emulateMedia({ colorScheme: null }) // else the test's own wish decides
    await goTo(desk, '/settings')
    await desk.page.getByText('Dark', { exact: true }).click()
    await desk.page.locator('html[data-mantine-color-scheme="dark"]').waitFor({ state: 'attached' })
    const { home, profile } = desk
    await desk.close()
    desk = await openDesk({ home, profile })
    await desk.page.emulateMedia({ colorScheme: null })
    await desk.page.locator('html[data-mantine-color-scheme="dark"]').waitFor({ state: 'attached' })
    await goTo(desk, '/settings')
    await desk.page.getByText('As the system').click()
  })

  test('give threads and memory to new runs', async () => {
    const { page } = desk
    await goTo(desk, '/settings')
    await page.getByRole('textbox', { name: 'Threads' }).fill('1')
    await page.getByRole('textbox', { name: 'Memory for hidden states' }).fill('1')
    await page.keyboard.press('Tab')
    await expect.poll(() => quailSetting()).toEqual({ threads: 1, memoryBudget: 2 ** 30 })
  })

  test('search a folder that was added for models', async () => {
    const { page } = desk
    cpSync(model, join(folder, 'models', 'added-model'), { recursive: true })
    await answerOpenDialog(desk, [join(folder, 'models')])
    await button('Add folder…').click()
    await button(/^Do not search .*models any more$/).waitFor()
    await goTo(desk, '/models')
    await page.getByText('added-model').first().waitFor()
  })

  test('show diagnostics that name neither folders nor people', async () => {
    await goTo(desk, '/settings?panel=diagnostics')
    const text = (await desk.page.getByLabel('Text of the diagnostics').textContent()) ?? ''
    for (const part of ['electron', 'quick_check ok', 'runs 1', 'yes Processor']) expect(text).toContain(part)
    for (const personal of [homedir(), desk.home, folder, resolve('.')]) expect(text).not.toContain(personal)
    expect(text).not.toMatch(new RegExp(`\\b(${userInfo().username}|${hostname()})\\b`))
  })

  test('clean up hidden states of an unfinished run, once it was agreed to, and nothing else', async () => {
    const spool = join(desk.home, 'runs', run, 'spool')
    mkdirSync(spool)
    writeFileSync(join(spool, 'left.bin'), Buffer.alloc(2 ** 20))
    await goTo(desk, '/settings?panel=storage')
    await desk.page.getByRole('checkbox', { name: /^Hidden states of/ }).check()
    await button(/^Remove 1.00 MiB…$/).click()
    await button('Remove 1 item').click()
    await desk.page.getByText('1.00 MiB freed').waitFor()
    expect(existsSync(spool)).toBe(false)
    expect(existsSync(join(folder, 'made/exact-r32/adapter_model.safetensors'))).toBe(true)
  })

  test('list licences that can be searched', async () => {
    await goTo(desk, '/settings?panel=about')
    await desk.page.getByRole('textbox', { name: 'Search licences' }).fill('onnxruntime-node')
    await button(/^onnxruntime-node .* MIT$/).click()
    await desk.page.getByText('1 package of').waitFor()
  })
})

describe('a database that is damaged', () => {
  test('is made anew from the run folders, and the old file is kept', async () => {
    const { home, profile } = desk
    await desk.close()
    writeFileSync(join(home, 'quail.db'), Buffer.alloc(2 ** 16, 'no database'))
    desk = await openDesk({ home, profile })
    await desk.page.getByText('quail.db is damaged').waitFor()
    await button('Make a new one from the run folders').click()
    await desk.page.getByRole('navigation', { name: 'Pages' }).waitFor()
    const aside = readdirSync(home).find((name) => name.startsWith('quail.db.before-rebuild-'))
    expect(readFileSync(join(home, aside ?? 'none'), 'utf8').slice(0, 11)).toBe('no database')
    await goTo(desk, `/runs/${run}`)
    await button('Export').waitFor()
  })
})

/** What the window's engine keeps of threads and memory, as it answers itself. */
async function quailSetting(): Promise<unknown> {
  const answer = await desk.page.evaluate("window.quail.call('settings.get', {})")
  const { preferences } = (answer as { value: { preferences: { threads: number; memoryBudget: number } } }).value
  return { threads: preferences.threads, memoryBudget: preferences.memoryBudget }
}
