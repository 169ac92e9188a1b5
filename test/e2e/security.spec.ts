import { once } from 'node:events'
import { cpSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MAIN_CALLS } from '../../src/shared/contract'
import { answerOpenDialog, answerSaveDialog, type Desk, openDesk, removeTemporary, temporaryFolder } from './harness'

/*
 * A page that runs foreign code, say through a hole in a library, must not get further than the page. Each test does what
 * such code would try; what it could try to get out is in hostilePage.spec.ts.
 *
 * After a refused navigation Playwright's locators wait for its end for ever; so the page is asked by scripts here.
 */

let desk: Desk
let home: string
let server: Server
let address: string
const visits: string[] = []

beforeAll(async () => {
  server = createServer((request, response) => {
    visits.push(request.url ?? '')
    response.setHeader('access-control-allow-origin', '*')
    response.end('hello')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  desk = await openDesk()
  home = desk.page.url()
})

afterAll(async () => {
  await desk?.close()
  server.close()
  await removeTemporary()
})

interface Refusal {
  readonly ok: boolean
  readonly error?: { readonly code: string; readonly message: string }
}

/** Runs a script in the page; its promise's value. */
const inPage = <T>(script: string): Promise<T> => desk.page.evaluate<T>(script)

/** Calls main past the typed client, as foreign code would. */
const forge = (name: unknown, input: unknown): Promise<Refusal> =>
  inPage(`window.quail.call(${JSON.stringify(name)}, ${JSON.stringify(input)})`)

const windows = (): Promise<number> => desk.app.evaluate(({ webContents }) => webContents.getAllWebContents().length)

describe('the page stays where it is', () => {
  test.each(['https://example.com/', 'file:///etc/passwd', 'javascript:document.write(1)', 'data:text/html,hello'])(
    'a navigation to %s is refused',
    async (to) => {
      await inPage(`void (location.href = ${JSON.stringify(to)})`)
      await inPage(`void Object.assign(document.createElement('a'), { href: ${JSON.stringify(to)} }).click()`)
      await new Promise((done) => setTimeout(done, 200))
      expect(await inPage('location.href')).toBe(home)
      expect(await inPage(`document.querySelectorAll('nav[aria-label="Pages"]').length`)).toBe(1)
    }
  )

  test('a form cannot be sent', async () => {
    await inPage(`(() => {
      const form = Object.assign(document.createElement('form'), { action: ${JSON.stringify(address)}, method: 'post' })
      document.body.append(form)
      form.submit()
      form.remove()
    })()`)
    await new Promise((done) => setTimeout(done, 200))
    expect(await inPage('location.href')).toBe(home)
    expect(visits).toEqual([])
  })

  test('no second window opens', async () => {
    const before = await windows()
    expect(await inPage(`window.open(${JSON.stringify(address)}) === null`)).toBe(true)
    expect(await inPage(`window.open('about:blank', '_blank', 'nodeIntegration=yes') === null`)).toBe(true)
    expect(await windows()).toBe(before)
  })

  test('neither a frame nor a webview brings in another page', async () => {
    const before = await windows()
    await inPage(`(() => {
      for (const tag of ['iframe', 'webview', 'object', 'embed']) {
        const element = document.createElement(tag)
        element.setAttribute(tag === 'object' ? 'data' : 'src', ${JSON.stringify(address)})
        document.body.append(element)
      }
    })()`)
    await new Promise((done) => setTimeout(done, 300))
    expect(visits).toEqual([])
    expect(await windows()).toBe(before)
    expect(await inPage(`typeof document.querySelector('webview').getWebContentsId`)).toBe('undefined')
    await inPage(`document.querySelectorAll('body > :is(iframe, webview, object, embed)').forEach((e) => e.remove())`)
  })
})

describe('the page runs its own code alone', () => {
  test('text does not become code', async () => {
    await inPage(`(() => {
      const script = document.createElement('script')
      script.textContent = 'window.injected = 1'
      document.body.append(script)
      const holder = document.createElement('div')
      holder.innerHTML = '<img src=x onerror="window.injected = 2">'
      document.body.append(holder)
    })()`)
    await new Promise((done) => setTimeout(done, 200))
    expect(await inPage('typeof window.injected')).toBe('undefined')
  })

  test('the production policy names no connection at all', async () => {
    const policy = await desk.app.evaluate(async ({ net }) => {
      const { headers } = await net.fetch('app://quail/index.html')
      return headers.get('content-security-policy') ?? ''
    })
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("connect-src 'none'")
    expect(policy).not.toContain('unsafe-eval')
    expect(policy).not.toMatch(/script-src[^;]*unsafe-inline/)
  })
})

describe('the page has no powers of its own', () => {
  test('no Node, and of Electron only four functions', async () => {
    expect(
      await inPage(
        `['require', 'process', 'module', 'Buffer', 'global', 'electron', 'ipcRenderer'].filter((name) => name in window)`
      )
    ).toEqual([])
    expect(await inPage('Object.keys(window.quail).sort()')).toEqual(['call', 'cancel', 'droppedPaths', 'onEvent'])
    expect(await inPage(`Object.values(window.quail).every((value) => typeof value === 'function')`)).toBe(true)
    expect(
      await inPage(`(() => { try { window.quail.call = null } catch {} return typeof window.quail.call })()`)
    ).toBe('function')
  })

  test('its renderer is sandboxed and isolated', async () => {
    const preferences = await desk.app.evaluate(({ BrowserWindow }) => {
      const contents = BrowserWindow.getAllWindows()[0]?.webContents as unknown as {
        getLastWebPreferences(): Record<string, unknown>
      }
      const { sandbox, contextIsolation, nodeIntegration, webviewTag, webSecurity } = contents.getLastWebPreferences()
      return { sandbox, contextIsolation, nodeIntegration, webviewTag, webSecurity }
    })
    expect(preferences).toEqual({
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webviewTag: false,
      webSecurity: true
    })
  })

  test.each(['geolocation', 'notifications', 'camera', 'microphone', 'midi', 'clipboard-read'])(
    'the permission %s is denied',
    async (name) => {
      const state = await inPage(
        `navigator.permissions.query({ name: ${JSON.stringify(name)} }).then(({ state }) => state)`
      )
      expect(state).toBe('denied')
    }
  )

  test('asking for a permission is answered with no', async () => {
    expect(await inPage('Notification.requestPermission()')).toBe('denied')
    expect(
      await inPage(
        `new Promise((done) => navigator.geolocation.getCurrentPosition(() => done('given'), () => done('refused')))`
      )
    ).toBe('refused')
    expect(
      await inPage(`navigator.mediaDevices.getUserMedia({ audio: true }).then(() => 'given', () => 'refused')`)
    ).toBe('refused')
  })
})

describe('main believes nothing', () => {
  test.each([
    ['no.such.call'],
    ['constructor'],
    ['__proto__'],
    ['toString'],
    [''],
    [7],
    [null],
    [{ name: 'app.info' }]
  ])('a call named %j is unknown', async (name) => {
    const { ok, error } = await forge(name, {})
    expect(ok).toBe(false)
    expect(error).toMatchObject({ code: 'BAD_INPUT' })
    expect(error?.message).toMatch(/no call of the contract/)
  })

  test.each([
    ['a missing field', 'projects.create', {}],
    ['a wrong type', 'projects.create', { name: { toString: 'x' } }],
    ['a field too many', 'projects.create', { name: 'fine', isAdmin: true }],
    ['an array for an object', 'projects.create', ['fine']],
    ['nothing', 'projects.create', null],
    ['an unknown choice', 'app.setTheme', { theme: 'url(https://example.com)' }],
    ['a number for a text', 'app.copy', { text: 1 }]
  ])('%s is refused by the schema', async (_what, name, input) => {
    const { ok, error } = await forge(name, input)
    expect(ok).toBe(false)
    expect(error).toMatchObject({ code: 'BAD_INPUT' })
    expect(error?.message).toContain(name)
  })

  test('an oversized input is refused before it is looked at, and the next call is answered', async () => {
    const { ok, error } = await inPage<Refusal>(
      `window.quail.call('projects.create', { name: 'x'.repeat(2 * 2 ** 20) })`
    )
    expect(ok).toBe(false)
    expect(error?.message).toMatch(/characters/)
    expect(await forge('app.info', {})).toMatchObject({ ok: true })
  })

  test.each(['/etc/passwd', '/', '../../etc/passwd', 'relative.txt', '\\\\server\\share'])(
    'the path %s, which nobody gave, is refused',
    async (path) => {
      const { ok, error } = await forge('app.reveal', { path })
      expect(ok).toBe(false)
      expect(error?.message).toMatch(/was not chosen in a dialog/)
    }
  )

  test('a way out of a granted folder is seen through', async () => {
    const { ok } = await forge('app.reveal', { path: join(desk.home, '..', '..', 'etc', 'passwd') })
    expect(ok).toBe(false)
    const dotted = await forge('app.reveal', { path: `${desk.home}/runs/../../../etc/passwd` })
    expect(dotted.ok).toBe(false)
    const sibling = await forge('app.reveal', { path: `${desk.home}-other` })
    expect(sibling.ok).toBe(false)
  })

  test('another page with the same preload is not the window', async () => {
    const answer = await desk.app.evaluate(async ({ app, BrowserWindow }) => {
      const preload = `${app.getAppPath()}/out/preload/index.cjs`
      const other = new BrowserWindow({ show: false, webPreferences: { preload, sandbox: true } })
      await other.loadURL(
        BrowserWindow.getAllWindows()
          .find((one) => one !== other)
          ?.webContents.getURL() ?? ''
      )
      const given = await other.webContents.executeJavaScript(`window.quail.call('app.info', {})`)
      other.destroy()
      return given
    })
    expect(answer).toMatchObject({ ok: false })
    expect(answer.error.message).toMatch(/not from the window/)
  })
})

/** What main asks the person from now on, and what they answer. */
async function answerQuestions(response: number): Promise<() => Promise<readonly string[]>> {
  await desk.app.evaluate(({ dialog }, answer) => {
    const asked: string[] = []
    Object.assign(globalThis, { asked })
    dialog.showMessageBox = (async (...given: unknown[]) => {
      asked.push((given.at(-1) as { detail: string }).detail)
      return { response: answer, checkboxChecked: false }
    }) as typeof dialog.showMessageBox
  }, response)
  return () => desk.app.evaluate(() => (globalThis as unknown as { asked: string[] }).asked)
}

describe('paths are the person’s', () => {
  let folder: string
  let text: string
  const recipeOf = (file: string) => ({
    version: 1,
    model: resolve('resources/sample/model'),
    calibration: { files: [file] },
    variants: [{ method: 'svd' }]
  })

  beforeAll(async () => {
    folder = await temporaryFolder()
    text = join(folder, 'named.txt')
    writeFileSync(text, 'words '.repeat(1000))
    writeFileSync(join(folder, 'recipe.json'), JSON.stringify(recipeOf(text)))
  })

  test('what a recipe names is read only when the person agrees to it by name', async () => {
    const named = [{ path: text, purpose: 'readText' }]
    const inspect = () => forge('calibration.inspect', { file: text })
    await answerOpenDialog(desk, [join(folder, 'recipe.json')])
    await forge('app.pick', { kind: 'recipe' })
    expect(await forge('recipes.read', { path: join(folder, 'recipe.json') })).toMatchObject({ ok: true })
    expect((await inspect()).error?.message).toMatch(/was not chosen/)
    const refused = await answerQuestions(1)
    expect(await forge('app.allow', { named })).toEqual({ ok: true, value: false })
    expect(await refused()).toEqual([`Text: ${text}`])
    expect((await inspect()).ok).toBe(false)
    const agreed = await answerQuestions(0)
    expect(await forge('app.allow', { named })).toEqual({ ok: true, value: true })
    expect((await inspect()).ok).toBe(true)
    // Not asked twice, and not for anything else.
    expect(await forge('app.allow', { named })).toEqual({ ok: true, value: true })
    expect(await agreed()).toHaveLength(1)
    expect((await forge('models.add', { folder: text })).ok).toBe(false)
  })

  test('a question names everything, or is not asked', async () => {
    const asked = await answerQuestions(0)
    const named = Array.from({ length: 21 }, (_, i) => ({ path: `/etc/${i}`, purpose: 'readText' }))
    expect((await forge('app.allow', { named })).error?.message).toMatch(/were never chosen here/)
    expect((await forge('app.allow', { named: [{ path: '/etc', purpose: 'writeFolder' }] })).ok).toBe(false)
    expect(await asked()).toEqual([])
  })

  test('nothing that the page makes up is a drop', async () => {
    expect(await inPage(`window.quail.droppedPaths([new File(['x'], '/etc/passwd')])`)).toEqual([])
    for (const made of [`[{ path: '/etc/passwd', name: 'passwd', size: 1 }]`, `['/etc/passwd']`, `'/etc/passwd'`]) {
      expect(
        await inPage(`Promise.resolve().then(() => window.quail.droppedPaths(${made})).catch(() => 'refused')`)
      ).toBe('refused')
    }
    expect((await forge('calibration.inspect', { file: '/etc/passwd' })).error?.message).toMatch(/was not chosen/)
  })

  /** Every call that main answers, with what a page could want of it, and whether it is answered. */
  const MAIN: Readonly<Record<keyof typeof MAIN_CALLS, readonly (readonly [input: unknown, ok: boolean])[]>> = {
    'app.info': [[{ path: '/etc/passwd' }, false]],
    'app.pick': [
      [{ kind: '/etc/passwd' }, false],
      [{ kind: 'model', path: '/etc' }, false],
      [{ kind: 'texts' }, true]
    ],
    'app.pickTarget': [
      [{ kind: 'recipe', name: '/etc/passwd', path: '/etc' }, false],
      [{ kind: 'recipe', name: '../../etc/passwd' }, true]
    ],
    'app.allow': [[{ named: [{ path: '/etc/passwd', purpose: 'readText' }] }, true]],
    'app.save': [
      [{ name: '../../etc/passwd', content: 'x' }, true],
      [{ name: 'x', path: '/etc/passwd', content: 'x' }, false]
    ],
    'app.reveal': [[{ path: '/etc/passwd' }, false]],
    'app.restartEngine': [[{ path: '/etc' }, false]],
    'app.quit': [[{ now: true }, false]],
    'app.copy': [[{ text: ['x'] }, false]],
    'app.setTheme': [[{ theme: '/etc/passwd' }, false]]
  }

  test('every call of main, with hostile arguments, gives and takes nothing without the person', async () => {
    expect(Object.keys(MAIN).sort()).toEqual(Object.keys(MAIN_CALLS).sort())
    await answerQuestions(1)
    await answerOpenDialog(desk, [])
    await answerSaveDialog(desk, '')
    const passwd = statSync('/etc/passwd').mtimeMs
    for (const [name, cases] of Object.entries(MAIN)) {
      for (const [input, ok] of cases) {
        const answer = await forge(name, input)
        expect([name, input, answer.ok]).toEqual([name, input, ok])
        expect(JSON.stringify(answer)).not.toContain('root:')
      }
    }
    expect(statSync('/etc/passwd').mtimeMs).toBe(passwd)
    expect((await forge('calibration.inspect', { file: '/etc/passwd' })).ok).toBe(false)
  })

  test('what the window saves goes neither into a checkpoint nor into Quail’s own folder', async () => {
    const model = join(folder, 'model')
    cpSync(resolve('resources/sample/model'), model, { recursive: true })
    const config = readFileSync(join(model, 'config.json'), 'utf8')
    for (const place of [join(model, 'config.json'), join(model, 'new.txt'), join(desk.home, 'quail.db')]) {
      await answerSaveDialog(desk, place)
      expect((await forge('app.save', { name: 'x', content: 'x' })).error?.message).toMatch(/which is never written/)
    }
    expect(readFileSync(join(model, 'config.json'), 'utf8')).toBe(config)
  })
})

describe('text from outside', () => {
  test('a name full of markup is shown as it is', async () => {
    const name = '<img src=x onerror="window.injected=3"><script>window.injected=4</script>'
    expect(await forge('projects.create', { name })).toMatchObject({ ok: true })
    await expect.poll(() => inPage<string>('document.body.innerText')).toContain(name)
    expect(await inPage('typeof window.injected')).toBe('undefined')
    expect(await inPage(`document.querySelectorAll('#root img[src="x"], #root script').length`)).toBe(0)
  })
})
