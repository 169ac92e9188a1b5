import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type Browser, chromium, type Page } from 'playwright-core'
import { MOST_MS, temporaryFolder } from './harness'

/** The packaged program with its window, driven as a browser page: hardened builds have no inspector for main. */
export interface PackagedDesk {
  readonly page: Page
  readonly home: string
  close(): Promise<void>
}

export interface PackagedOptions {
  readonly home?: string
  /** Files that the program is started with. */
  readonly files?: readonly string[]
}

/** Starts a packaged program on a QUAIL_HOME of its own and waits until its pages can be reached. */
export async function openPackagedDesk(program: string, options: PackagedOptions = {}): Promise<PackagedDesk> {
  const { home = await temporaryFolder(), files = [] } = options
  const child = spawn(program, ['--no-sandbox', '--disable-gpu', '--remote-debugging-port=0', ...files], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      QUAIL_HOME: home,
      XDG_CONFIG_HOME: await temporaryFolder(),
      HF_HOME: `${home}/no-hugging-face-cache`
    }
  })
  const address = await debuggerAddress(child)
  await pageLoaded(address)
  const browser = await chromium.connectOverCDP(address)
  const page = await firstPage(browser)
  page.setDefaultTimeout(MOST_MS)
  await page.getByRole('navigation', { name: 'Pages' }).waitFor()
  return { page, home, close: () => stop(child, browser) }
}

/** Chromium says on its standard error where it can be reached; what it says later is read too, or it would wait for ever. */
function debuggerAddress(child: ChildProcess): Promise<string> {
  let said = ''
  return new Promise((done, fail) => {
    child.stderr?.on('data', (chunk) => {
      said += String(chunk)
      const [, address] = /DevTools listening on (ws:\S+)/.exec(said) ?? []
      if (address !== undefined) done(address)
    })
    child.once('exit', () => fail(new Error(`the packaged program ended before it could be reached: ${said}`)))
  })
}

/** A window that Playwright attaches to while it loads is lost to it. */
async function pageLoaded(address: string): Promise<void> {
  const list = `http://${new URL(address).host}/json/list`
  const isLoaded = async (): Promise<boolean> => {
    const targets = (await (await fetch(list)).json()) as { readonly url: string }[]
    return targets.some(({ url }) => url.startsWith('app://quail/index.html#/'))
  }
  while (!(await isLoaded())) await new Promise((done) => setTimeout(done, 50))
}

async function firstPage(browser: Browser): Promise<Page> {
  const [context] = browser.contexts()
  if (context === undefined) throw new Error('the packaged program has no browser context')
  return context.pages()[0] ?? (await context.waitForEvent('page'))
}

async function stop(child: ChildProcess, browser: Browser): Promise<void> {
  await browser.close()
  if (child.exitCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}
