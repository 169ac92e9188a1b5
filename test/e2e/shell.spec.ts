import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MAIN_CALLS } from '../../src/shared/contract'
import {
  answerOpenDialog,
  answerSaveDialog,
  type Desk,
  dropPaths,
  openDesk,
  removeTemporary,
  setLook,
  temporaryFolder
} from './harness'

let desk: Desk

beforeAll(async () => {
  desk = await openDesk()
})

afterAll(async () => {
  await desk?.close()
  await removeTemporary()
})

/** Chooses the entry of the menu bar that has these keys: keys that a test sends reach the page, never the menu. */
async function chooseFromMenu(keys: string): Promise<void> {
  await desk.app.evaluate(({ Menu }, accelerator) => {
    const items = Menu.getApplicationMenu()?.items.flatMap(({ submenu }) => submenu?.items ?? []) ?? []
    const item = items.find((one) => one.accelerator === accelerator)
    if (item === undefined) throw new Error(`no entry has ${accelerator}`)
    item.click()
  }, keys)
}

describe('the window', () => {
  test.each(['light', 'dark'] as const)('follows the %s theme of the system without a complaint', async (theme) => {
    await setLook(desk, theme)
    await expect.poll(() => desk.page.getByRole('heading', { level: 1 }).count()).toBe(1)
    expect(desk.complaints).toEqual([])
  })

  test('marks the page that is shown where the system has few colours of its own, and no backgrounds', async () => {
    const { page } = desk
    const outline = () =>
      page.evaluate('getComputedStyle(document.querySelector("nav [aria-current=page]")).outlineStyle')
    await page.emulateMedia({ forcedColors: 'active' })
    await expect.poll(outline).toBe('solid')
    await page.emulateMedia({ forcedColors: 'none' })
    await expect.poll(outline).toBe('none')
  })

  test('goes back and forward by its own buttons and opens the palette by keyboard', async () => {
    const { page } = desk
    await page.keyboard.press('Control+k')
    await page.getByPlaceholder('Pages, actions, models, data, runs…').fill('settings')
    await page.keyboard.press('Enter')
    await page.waitForURL(/#\/settings$/)
    await page.getByRole('button', { name: 'Back' }).click()
    await page.waitForURL(/#\/$/)
    await page.getByRole('button', { name: 'Forward' }).click()
    await page.waitForURL(/#\/settings$/)
  })

  test('does what is chosen in the palette', async () => {
    const { page } = desk
    const theme = async (name: string) => {
      await page.keyboard.press('Control+k')
      await page.getByRole('textbox', { name: 'Search' }).fill(`${name} theme`)
      await page.keyboard.press('Enter')
    }
    await theme('dark')
    await page.locator('html[data-mantine-color-scheme="dark"]').waitFor({ state: 'attached' })
    await theme('system')
    await page.keyboard.press('Control+k')
    await page.getByRole('textbox', { name: 'Search' }).fill('quit')
    await page.getByText('Quit Quail').waitFor()
    await page.keyboard.press('Escape')
  })

  test('explains the words of its headings by the glossary', async () => {
    const { page } = desk
    await chooseFromMenu('CmdOrCtrl+N')
    await page.getByRole('group', { name: 'Rank' }).getByText('Rank', { exact: true }).hover()
    await page.getByRole('tooltip').getByText('Columns of loraB.').waitFor()
    await page.keyboard.press('Escape')
  })

  test('gets an answer of main for every call of the contract', async () => {
    const driven = new Set<string>()
    const ask = (name: keyof typeof MAIN_CALLS, input: object) => {
      driven.add(name)
      return desk.page.evaluate<{ ok: boolean; value: unknown }>(
        `window.quail.call(${JSON.stringify(name)}, ${JSON.stringify(input)})`
      )
    }
    await desk.app.evaluate(({ app, shell }) => {
      const seen = { revealed: '', quits: 0 }
      Object.assign(globalThis, { seen, quit: app.quit })
      shell.showItemInFolder = (path) => {
        seen.revealed = path
      }
      app.quit = () => {
        seen.quits++
      }
    })
    const folder = await temporaryFolder()
    await answerOpenDialog(desk, [folder])
    expect(await ask('app.pick', { kind: 'folder' })).toEqual({ ok: true, value: [folder] })
    const target = join(folder, 'saved.txt')
    await answerSaveDialog(desk, target)
    expect(await ask('app.pickTarget', { kind: 'recipe', name: 'x' })).toEqual({ ok: true, value: target })
    expect(await ask('app.save', { name: 'saved.txt', content: 'words' })).toEqual({ ok: true, value: target })
    expect(readFileSync(target, 'utf8')).toBe('words')
    expect(await ask('app.info', {})).toMatchObject({ ok: true, value: { name: 'Quail', platform: process.platform } })
    expect((await ask('app.copy', { text: 'copied' })).ok).toBe(true)
    expect(await desk.app.evaluate(({ clipboard }) => clipboard.readText())).toBe('copied')
    expect((await ask('app.setTheme', { theme: 'system' })).ok).toBe(true)
    expect((await ask('app.reveal', { path: target })).ok).toBe(true)
    const gone = { path: join(folder, 'gone.txt') }
    expect(await ask('app.reveal', gone)).toMatchObject({ error: { message: `${gone.path} is not there any more` } })
    expect(await ask('app.allow', { named: [] })).toEqual({ ok: true, value: true })
    expect((await ask('app.quit', {})).ok).toBe(true)
    const seen = () =>
      desk.app.evaluate(() => (globalThis as unknown as { seen: { revealed: string; quits: number } }).seen)
    await expect.poll(seen).toEqual({ revealed: target, quits: 1 })
    await desk.app.evaluate(({ app }) => {
      app.quit = (globalThis as unknown as { quit: () => void }).quit
    })
    expect((await ask('app.restartEngine', {})).ok).toBe(true)
    expect([...driven].sort()).toEqual(Object.keys(MAIN_CALLS).sort())
  })

  test('is worked by the shortcuts of the menu: pages, new run, back and forward', async () => {
    const { page } = desk
    for (const [keys, address] of [
      ['CmdOrCtrl+2', /#\/models$/],
      ['CmdOrCtrl+N', /#\/new/],
      ['Alt+Left', /#\/models$/],
      ['Alt+Right', /#\/new/],
      ['CmdOrCtrl+1', /#\/$/]
    ] as const) {
      await chooseFromMenu(keys)
      await page.waitForURL(address)
    }
  })

  test('lists its shortcuts on a question mark, on keyboards that need Shift for it and on others', async () => {
    const { page } = desk
    const list = page.getByRole('dialog', { name: 'Keyboard shortcuts' })
    for (const key of ['Shift+?', '?']) {
      await page.keyboard.press(key)
      await list.getByText('Command palette').waitFor()
      await page.keyboard.press('Escape')
      await list.waitFor({ state: 'hidden' })
    }
  })

  test('takes a dropped folder for a checkpoint', async () => {
    await dropPaths(
      desk,
      ['resources/sample/model'].map((path) => `${process.cwd()}/${path}`)
    )
    await desk.page.waitForURL(/#\/models/)
  })
})

describe('a window that is closed', () => {
  test('opens at the same page and size again', async () => {
    const { home, profile } = desk
    await desk.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.setSize(1100, 720))
    await desk.close()
    desk = await openDesk({ home, profile })
    await desk.page.waitForURL(/#\/models/)
    const size = await desk.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.getSize())
    expect(size).toEqual([1100, 720])
  })
})
