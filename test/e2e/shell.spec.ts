import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Desk, dropPaths, openDesk, removeTemporary, setLook } from './harness'

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
    expect(await desk.page.getByRole('heading', { level: 1 }).count()).toBe(1)
    expect(desk.complaints).toEqual([])
  })

  test('goes back and forward by its own buttons and opens the palette by keyboard', async () => {
    const { page } = desk
    await page.keyboard.press('Control+k')
    await page.getByPlaceholder('Pages, models, data, runs…').fill('settings')
    await page.keyboard.press('Enter')
    await page.waitForURL(/#\/settings$/)
    await page.getByRole('button', { name: 'Back' }).click()
    await page.waitForURL(/#\/$/)
    await page.getByRole('button', { name: 'Forward' }).click()
    await page.waitForURL(/#\/settings$/)
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
    await new Promise((done) => setTimeout(done, 800))
    await desk.close()
    desk = await openDesk({ home, profile })
    await desk.page.waitForURL(/#\/models/)
    const size = await desk.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.getSize())
    expect(size).toEqual([1100, 720])
  })
})
