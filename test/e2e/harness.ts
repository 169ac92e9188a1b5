import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { _electron, type CDPSession, type ElectronApplication, type Page } from 'playwright-core'

/** A real window on a QUAIL_HOME of its own. */
export interface Desk {
  readonly app: ElectronApplication
  readonly page: Page
  /** QUAIL_HOME: database and run folders. */
  readonly home: string
  /** Chromium's own folder: window state, local storage. */
  readonly profile: string
  /** Errors and warnings that the page wrote to its console. */
  readonly complaints: string[]
  /** Quits the app; the folders stay, so that it can be opened again. */
  close(): Promise<void>
}

export interface DeskOptions {
  readonly home?: string
  readonly profile?: string
  readonly env?: Readonly<Record<string, string>>
  readonly args?: readonly string[]
}

/** How long the page may take to do or show what is waited for, on a busy machine; it only stops what hangs. */
export const MOST_MS = 60_000

const temporary: string[] = []

/** A folder that `removeTemporary` removes. */
export async function temporaryFolder(name = 'quail-e2e-'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), name))
  temporary.push(folder)
  return folder
}

export async function removeTemporary(): Promise<void> {
  for (const folder of temporary.splice(0)) await rm(folder, { recursive: true, force: true })
}

/** Lets the app become ready only when Playwright listens: a window that is attached to while it loads is lost to it. */
const LOADER = resolve('node_modules/playwright-core/lib/server/electron/loader.js')

/** Starts Electron with an app's folder and its arguments. */
export const launchElectron = (
  args: readonly string[],
  env: Readonly<Record<string, string>> = {}
): Promise<ElectronApplication> =>
  _electron.launch({
    executablePath: resolve('.electron/dist/electron'),
    args: ['-r', LOADER, ...args, '--no-sandbox', '--disable-gpu'],
    timeout: MOST_MS,
    env: { ...(process.env as Record<string, string>), ...env }
  })

/** Starts the built app; give `home` and `profile` of an earlier desk to open it again. */
export async function openDesk({ home, profile, env = {}, args = [] }: DeskOptions = {}): Promise<Desk> {
  const folders = { home: home ?? (await temporaryFolder()), profile: profile ?? (await temporaryFolder()) }
  const app = await launchElectron(['.', ...args], {
    QUAIL_HOME: folders.home,
    XDG_CONFIG_HOME: folders.profile,
    // No cache of this machine's user is found by accident.
    HF_HOME: join(folders.home, 'no-hugging-face-cache'),
    ...env
  })
  const page = await app.firstWindow({ timeout: MOST_MS })
  page.setDefaultTimeout(MOST_MS)
  const complaints: string[] = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  const ready = page.getByRole('navigation', { name: 'Pages' })
  await ready
    .or(page.getByRole('heading', { name: 'The database cannot be used' }))
    .first()
    .waitFor()
  return { app, page, ...folders, complaints, close: () => quit(app) }
}

/** Ends the app as a person would who chose to quit, whatever runs. */
async function quit(app: ElectronApplication): Promise<void> {
  await app.evaluate(({ app: electron, dialog }) => {
    dialog.showMessageBox = (async () => ({ response: 0, checkboxChecked: false })) as typeof dialog.showMessageBox
    setImmediate(() => electron.quit())
  })
  await app.waitForEvent('close', { timeout: 120_000 })
}

/** The next dialogs that open answer with these paths, as if the person had chosen them; [] dismisses. */
export async function answerOpenDialog({ app }: Desk, paths: readonly string[]): Promise<void> {
  await app.evaluate(
    ({ dialog }, filePaths) => {
      dialog.showOpenDialog = (async () => ({
        canceled: filePaths.length === 0,
        filePaths
      })) as typeof dialog.showOpenDialog
    },
    [...paths]
  )
}

/** The next save dialogs answer with this path; '' dismisses. */
export async function answerSaveDialog({ app }: Desk, path: string): Promise<void> {
  await app.evaluate(({ dialog }, filePath) => {
    dialog.showSaveDialog = (async () => ({ canceled: filePath === '', filePath })) as typeof dialog.showSaveDialog
  }, path)
}

/** Drops files or folders of the disk on the middle of the window, as a file manager does. */
export async function dropPaths({ page }: Desk, paths: readonly string[], at = { x: 640, y: 400 }): Promise<void> {
  const session: CDPSession = await page.context().newCDPSession(page)
  const data = { items: [], files: [...paths], dragOperationsMask: 1 }
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await session.send('Input.dispatchDragEvent', { type, ...at, data })
  }
  await session.detach()
}

/** Goes to a page of the window by its address: `/runs`; the page before is gone then, so that nothing lands on it. */
export async function goTo({ page }: Desk, path: string): Promise<void> {
  await page.evaluate(`new Promise((done) => {
    const before = location.href
    const changed = () => setTimeout(done)
    addEventListener('hashchange', changed, { once: true })
    location.hash = ${JSON.stringify(`#${path}`)}
    if (location.href !== before) return
    removeEventListener('hashchange', changed)
    done()
  })`)
}

/** Sets size and colours, and waits until both are applied. */
export async function setLook(
  { page }: Desk,
  theme: 'light' | 'dark',
  size = { width: 1280, height: 800 }
): Promise<void> {
  await page.setViewportSize(size)
  await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
  await page.locator(`html[data-mantine-color-scheme="${theme}"]`).waitFor({ state: 'attached' })
}
