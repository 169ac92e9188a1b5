import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { answerOpenDialog, type Desk, goTo, openDesk, removeTemporary, temporaryFolder } from './harness'

const MODEL = resolve('resources/sample/model')
const text = (file: string) => resolve('resources/sample/text', file)

let folder: string
let desk: Desk

beforeAll(async () => {
  folder = await temporaryFolder()
})

afterEach(async () => {
  await desk?.close().catch(() => undefined)
})

afterAll(removeTemporary)

/** A recipe of some seconds in a file of this name. */
function recipeFile(name: string, rows = 64): string {
  const path = join(folder, `${name}.json`)
  const recipe = {
    version: 1,
    name,
    model: MODEL,
    context: 128,
    calibration: { files: [text('sotu-calibration.txt')], rows },
    evaluation: { files: [text('moby-evaluation.txt')], rows: 4 },
    variants: [{ method: 'quailora', rank: 8 }]
  }
  writeFileSync(path, JSON.stringify(recipe))
  return path
}

const ask = <T>({ page }: Desk, name: string, input: object): Promise<T> =>
  page.evaluate(
    `window.quail.call(${JSON.stringify(name)}, ${JSON.stringify(input)}).then((a) => { if (!a.ok) throw new Error(a.error.message); return a.value })`
  ) as Promise<T>

/** Queues a run of a recipe file and waits until its first block is done. */
async function working(on: Desk, name: string, rows?: number): Promise<string> {
  await answerOpenDialog(on, [recipeFile(name, rows)])
  const [path] = await ask<string[]>(on, 'app.pick', { kind: 'recipe' })
  const { recipe } = await ask<{ recipe: object }>(on, 'recipes.read', { path })
  const { id } = await ask<{ id: string }>(on, 'queue.enqueue', { recipe })
  const folderOfRun = join(on.home, 'runs', id)
  await expect.poll(() => readdirSync(folderOfRun).some((file) => file.includes('lock'))).toBe(true)
  return id
}

const statusOf = async (on: Desk, id: string): Promise<string> =>
  (await ask<{ status: string }>(on, 'runs.get', { id })).status

async function answerQuestion({ app }: Desk, response: number): Promise<void> {
  await app.evaluate(({ dialog }, index) => {
    const seen = globalThis as unknown as { questions: number }
    seen.questions = 0
    dialog.showMessageBox = (async () => {
      seen.questions++
      return { response: index, checkboxChecked: false }
    }) as typeof dialog.showMessageBox
  }, response)
}

const questions = ({ app }: Desk): Promise<number> =>
  app.evaluate(() => (globalThis as unknown as { questions: number }).questions)

const wantToQuit = ({ app }: Desk): Promise<void> =>
  app.evaluate(({ app: electron }) => void setImmediate(() => electron.quit()))
const visible = ({ app }: Desk): Promise<boolean> =>
  app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.isVisible() ?? false)

/** Process ids of the engine process of this window. */
const engines = ({ app }: Desk): Promise<number[]> =>
  app.evaluate(({ app: electron }) =>
    electron
      .getAppMetrics()
      .filter(({ type, name }) => type === 'Utility' && name === 'Quail engine')
      .map(({ pid }) => pid)
  )

async function killEngine(on: Desk): Promise<void> {
  await expect.poll(async () => (await engines(on)).length).toBe(1)
  const [pid] = (await engines(on)) as [number]
  process.kill(pid, 'SIGKILL')
  await expect.poll(async () => (await engines(on)).includes(pid)).toBe(false)
}

/** SHA-256 of what a run wrote. */
const digests = (out: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(out)
      .sort()
      .map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(join(out, name)))
          .digest('hex')
      ])
  )

describe('recipe files as arguments', () => {
  test('open in the window, also from a second start, which ends by itself', async () => {
    desk = await openDesk({ args: [recipeFile('first-start')] })
    await desk.page.waitForURL(/#\/new/)
    await desk.page.getByText(/Opened .*first-start\.json/).waitFor()
    await desk.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.minimize())
    const second = spawn(resolve('.electron/dist/electron'), ['.', '--no-sandbox', recipeFile('second-start')], {
      env: { ...process.env, QUAIL_HOME: desk.home, XDG_CONFIG_HOME: desk.profile },
      stdio: 'ignore'
    })
    const ended = new Promise((done) => second.once('exit', done))
    await desk.page.getByText(/Opened .*second-start\.json/).waitFor()
    expect(await ended).toBe(0)
    const state = await desk.app.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows().map((window) => window.isMinimized())
    )
    expect(state).toEqual([false])
  })
})

describe('quitting while a run works', () => {
  test('stops at the next checkpoint, and gives the same bytes after the next start', async () => {
    desk = await openDesk()
    const calm = await working(desk, 'calm')
    await expect.poll(() => statusOf(desk, calm), { timeout: 120_000 }).toBe('completed')
    const expected = digests((await ask<{ out: string }>(desk, 'runs.get', { id: calm })).out)
    const id = await working(desk, 'calm')
    await answerQuestion(desk, 0)
    const closed = desk.app.waitForEvent('close', { timeout: 120_000 })
    await wantToQuit(desk)
    await closed
    desk = await openDesk({ home: desk.home, profile: desk.profile })
    await expect.poll(() => statusOf(desk, id), { timeout: 120_000 }).toBe('completed')
    const { out, attempt } = await ask<{ out: string; attempt: number }>(desk, 'runs.get', { id })
    expect(attempt).toBe(2)
    expect(digests(out)).toEqual(expected)
  }, 180_000)

  test('goes on when that is wished; in the background it ends with the last run of the queue', async () => {
    desk = await openDesk()
    const id = await working(desk, 'one')
    const { recipe } = await ask<{ recipe: object }>(desk, 'recipes.ofRun', { run: id })
    const next = await ask<{ id: string }>(desk, 'queue.enqueue', { recipe })
    await answerQuestion(desk, 2)
    await wantToQuit(desk)
    await expect.poll(() => questions(desk)).toBe(1)
    expect(await visible(desk)).toBe(true)
    expect(['running', 'completed']).toContain(await statusOf(desk, id))
    await answerQuestion(desk, 1)
    const closed = desk.app.waitForEvent('close', { timeout: 120_000 })
    await wantToQuit(desk)
    await expect.poll(() => visible(desk)).toBe(false)
    await closed
    desk = await openDesk({ home: desk.home, profile: desk.profile })
    expect(await statusOf(desk, id)).toBe('completed')
    expect(await statusOf(desk, next.id)).toBe('completed')
  }, 180_000)
})

describe('signs of a run on the desktop', () => {
  test('task bar, a machine kept awake, and a notification only when nobody looks', async () => {
    desk = await openDesk()
    await desk.app.evaluate(({ BrowserWindow, Notification, powerSaveBlocker }) => {
      const seen = { bars: [] as number[], started: [] as number[], shown: [] as string[], focused: false }
      Object.assign(globalThis, { seen })
      const [window] = BrowserWindow.getAllWindows()
      if (window === undefined) return
      const bar = window.setProgressBar.bind(window)
      window.setProgressBar = (share) => {
        seen.bars.push(share)
        bar(share)
      }
      window.isFocused = () => seen.focused
      const begin = powerSaveBlocker.start
      powerSaveBlocker.start = (type) => {
        const id = begin.call(powerSaveBlocker, type)
        seen.started.push(id)
        return id
      }
      Notification.isSupported = () => true
      Notification.prototype.show = function show() {
        seen.shown.push(`${this.title}: ${this.body}`)
      }
    })
    const look = () =>
      desk.app.evaluate(({ powerSaveBlocker }) => {
        const { seen } = globalThis as unknown as {
          seen: { bars: number[]; started: number[]; shown: string[] }
        }
        return { ...seen, awake: seen.started.map((id) => powerSaveBlocker.isStarted(id)) }
      })
    const id = await working(desk, 'signs')
    expect((await look()).awake).toEqual([true])
    await expect.poll(() => statusOf(desk, id), { timeout: 120_000 }).toBe('completed')
    await expect.poll(async () => (await look()).awake).toEqual([false])
    const { bars, shown } = await look()
    expect(bars.at(-1)).toBe(-1)
    const shares = bars.slice(0, -1)
    expect(shares).toEqual([...shares].sort((a, b) => a - b))
    expect(Math.max(...shares)).toBe(1)
    // A hundred tokens or so do not tell the two apart, and the sentence says so instead of a share.
    expect(shown).toEqual([
      expect.stringMatching(/^signs is completed: NF4 is not distinguishable from .*: quailora-r8 /)
    ])
    await desk.app.evaluate(() => {
      ;(globalThis as unknown as { seen: { focused: boolean } }).seen.focused = true
    })
    const looked = await working(desk, 'looked-at')
    await expect.poll(() => statusOf(desk, looked), { timeout: 120_000 }).toBe('completed')
    await expect.poll(async () => (await look()).awake).toEqual([false, false])
    expect((await look()).shown).toHaveLength(1)
    // On any page but its own, the window says it too, with the way there.
    await desk.page.getByText('looked-at is completed').waitFor()
    await desk.page.getByRole('button', { name: 'Open the run' }).last().click()
    await desk.page.waitForURL(new RegExp(`#/runs/${looked}$`))
  }, 180_000)
})

describe('crashes', () => {
  /** Address and whether there is a page. A script that is sent to a page that crashes is never answered. */
  const title = () =>
    desk.app.evaluate(({ BrowserWindow }) => {
      const script = "location.hash + ' ' + (document.querySelector('h1') !== null)"
      const answer = BrowserWindow.getAllWindows()[0]?.webContents.executeJavaScript(script)
      return Promise.race([answer, new Promise((done) => setTimeout(done, 1000, 'no answer'))])
    })

  test('of the page: it opens again where it was', async () => {
    desk = await openDesk()
    await goTo(desk, '/settings?panel=storage')
    await expect.poll(title).toMatch(/storage true$/)
    await desk.app.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows()[0]?.webContents.forcefullyCrashRenderer()
    )
    await expect.poll(title).toMatch(/^#\/settings\?panel=storage true$/)
  })

  test('of the page, twice at once: the person is asked, and the page comes back', async () => {
    desk = await openDesk()
    await goTo(desk, '/models')
    await desk.app.evaluate(({ BrowserWindow, dialog }) => {
      const state = globalThis as { asked?: string }
      dialog.showMessageBox = (async (_window: unknown, { message }: { message: string }) => {
        state.asked = message
        return { response: 0, checkboxChecked: false }
      }) as typeof dialog.showMessageBox
      const page = BrowserWindow.getAllWindows()[0]?.webContents
      page?.once('did-finish-load', () => page.forcefullyCrashRenderer())
      page?.forcefullyCrashRenderer()
    })
    const asked = () => desk.app.evaluate(() => (globalThis as { asked?: string }).asked)
    await expect.poll(asked).toMatch(/^The page crashed twice \(.+\)$/)
    await expect.poll(title).toBe('#/models true')
  })

  test('of the engine: it is said, calls are answered again, and a run can be resumed', async () => {
    desk = await openDesk()
    const id = await working(desk, 'killed', 256)
    await goTo(desk, `/runs/${id}`)
    await killEngine(desk)
    // Asked while no process is there, or just now begins.
    expect(await statusOf(desk, id)).toBe('interrupted')
    await desk.page.getByRole('button', { name: 'Resume' }).click()
    await expect.poll(() => statusOf(desk, id), { timeout: 120_000 }).toBe('completed')
  }, 180_000)

  test('of the engine again and again: the window says what to do, and starts it when asked', async () => {
    desk = await openDesk()
    for (let death = 0; death < 4; death++) await killEngine(desk)
    await desk.page.getByRole('heading', { name: 'The engine does not run' }).waitFor()
    await desk.page.getByText(/ended 4 times in a row/).waitFor()
    await new Promise((done) => setTimeout(done, 3000))
    expect(await engines(desk)).toEqual([])
    await desk.page.reload()
    await desk.page.getByRole('button', { name: 'Start the engine again' }).click()
    await desk.page.getByRole('navigation', { name: 'Pages' }).waitFor()
    expect(await engines(desk)).toHaveLength(1)
  }, 90_000)
})

describe('the menu', () => {
  test('does what its entries say', async () => {
    desk = await openDesk()
    const { page } = desk
    const click = (...path: string[]) =>
      desk.app.evaluate(({ Menu }, labels) => {
        let items = Menu.getApplicationMenu()?.items ?? []
        for (const label of labels.slice(0, -1))
          items = items.find((item) => item.label === label)?.submenu?.items ?? []
        const item = items.find(({ label }) => label === labels.at(-1))
        if (item === undefined) throw new Error(`no ${labels.join(' > ')} in ${items.map((i) => i.label)}`)
        item.click()
      }, path)
    for (const [label, to] of Object.entries({
      Models: 'models',
      Data: 'data',
      Runs: 'runs',
      Sweeps: 'sweeps',
      Compare: 'compare',
      Devices: 'devices',
      Settings: 'settings',
      Home: ''
    })) {
      await click('&Go', label)
      await page.waitForURL(new RegExp(`#/${to}$`))
    }
    await click('&Go', 'Back')
    await page.waitForURL(/#\/settings$/)
    await click('&Go', 'Forward')
    await page.waitForURL(/#\/$/)
    await click('&File', 'New run')
    await page.waitForURL(/#\/new$/)
    await answerOpenDialog(desk, [recipeFile('from-menu')])
    await click('&File', 'Open recipe…')
    await page.getByText(/Opened .*from-menu\.json/).waitFor()
    await click('&View', 'Command palette')
    await page.getByPlaceholder('Pages, actions, models, data, runs…').waitFor()
    await page.keyboard.press('Escape')
    await page.getByPlaceholder('Pages, actions, models, data, runs…').waitFor({ state: 'hidden' })
    await click('Help', 'Keyboard shortcuts')
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor({ state: 'detached' })
    await click('Help', 'Diagnostics')
    await page.waitForURL(/#\/settings\?panel=diagnostics$/)
    await click('Help', 'About Quail')
    await page.waitForURL(/#\/settings\?panel=about$/)
  })
})
