import { mkdtempSync, readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { _electron, type ElectronApplication, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
const SHOTS = resolve('.electron/screenshots')

let app: ElectronApplication
let page: Page
const complaints: string[] = []

/** One start serves all tests: a window takes a second, and none of them changes it. */
beforeAll(async () => {
  await mkdir(SHOTS, { recursive: true })
  app = await _electron.launch({
    executablePath: resolve('.electron/dist/electron'),
    args: ['.', '--no-sandbox', '--disable-gpu'],
    env: { ...(process.env as Record<string, string>), XDG_CONFIG_HOME: mkdtempSync(join(tmpdir(), 'quail-e2e-')) }
  })
  page = await app.firstWindow()
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  await page.reload() // so that the listeners above hear everything the page says while it starts
  await page.getByText(`version ${version}`).waitFor()
})

afterAll(() => app?.close())

describe('the window', () => {
  test('shows the name and the version of the app', async () => {
    expect(await page.title()).toBe('Quail')
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Quail')
    expect(await page.getByText(`version ${version}`).count()).toBe(1)
  })

  test.each(['light', 'dark'] as const)('follows the %s theme of the system without a complaint', async (theme) => {
    await page.emulateMedia({ colorScheme: theme })
    const shown = page.locator(`html[data-mantine-color-scheme="${theme}"]`)
    await shown.waitFor({ state: 'attached' })
    await page.screenshot({ path: join(SHOTS, `shell-${theme}.png`), fullPage: true })
    expect(complaints).toEqual([])
  })

  test('gives its page no Node and nothing but the declared calls', async () => {
    const reachable = await page.evaluate(`({
      node: ['require', 'process', 'Buffer'].filter((name) => name in window),
      quail: Object.keys(window.quail)
    })`)
    expect(reachable).toEqual({ node: [], quail: ['appInfo'] })
  })

  test('reaches no network', async () => {
    const outcome = await page.evaluate(`fetch('https://example.invalid').then(() => 'answered', () => 'refused')`)
    expect(outcome).toBe('refused')
    expect(complaints.filter((text) => text.includes('connect-src')).length).toBeGreaterThan(0)
    complaints.length = 0
  })

  // Last, because Playwright goes on waiting for the navigation that was stopped.
  test('opens no other window and does not leave its page', async () => {
    const before = page.url()
    await page.evaluate(`
      window.open('https://example.invalid')
      window.location.href = 'https://example.invalid'
    `)
    expect(await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(1)
    expect(page.url()).toBe(before)
  })
})
