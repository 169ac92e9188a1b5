import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Desk, launchElectron, openDesk, removeTemporary } from './harness'
import { LEAVING, Listener, NO_REQUEST, runAttempts, STAYING, secretFile } from './hostilePage'

/*
 * A page taken over by foreign code tries every way out that browsers have, to a listener on the loopback interface and to
 * files. That the attempts are real shows a window without our protection, from which they arrive.
 */

let desk: Desk
let listener: Listener

beforeAll(async () => {
  listener = await Listener.open()
  desk = await openDesk()
})

afterAll(async () => {
  await desk?.close()
  listener.close()
  await removeTemporary()
})

/** What is sent on its way late has arrived after this. */
const settle = (): Promise<void> => new Promise((done) => setTimeout(done, 1000))

const heard = () => ({
  connections: listener.connections,
  requests: [...listener.requests],
  packets: [...listener.packets]
})

describe('the window', () => {
  test('sends nothing to the loopback interface, whatever its page tries', async () => {
    expect(await listener.hearsItself()).toBe(true)
    const before = heard()
    const home = desk.page.url()
    const got = await runAttempts(desk.page, STAYING, listener.address, listener.udp)
    expect(Object.keys(got)).toEqual(Object.keys(STAYING))
    for (const [name, attempt] of Object.entries(LEAVING)) {
      await runAttempts(desk.page, { [name]: attempt }, listener.address, listener.udp)
    }
    await settle()
    expect(heard()).toEqual(before)
    expect(await desk.page.evaluate('location.href')).toBe(home)
    expect(await listener.hearsItself()).toBe(true)
  })

  test('reads no file, whatever its page tries', async () => {
    const { secret, url } = await secretFile()
    const got = await runAttempts(desk.page, { ...STAYING, ...LEAVING }, () => url, listener.udp)
    expect(Object.keys(got)).toEqual(Object.keys({ ...STAYING, ...LEAVING }))
    await settle()
    const read = Object.entries(got).filter(([, value]) => value.includes(secret) || value === 'loaded')
    expect(read).toEqual([])
    expect(await desk.page.evaluate('String(window.leaked)')).toBe('undefined')
  })

  test('looks up no name', async () => {
    const found = await desk.app.evaluate(({ session }) =>
      session.defaultSession.resolveHost('localhost').then(
        () => 'found',
        (error: Error) => error.message
      )
    )
    expect(found).toMatch(/ERR_NAME_NOT_RESOLVED/)
  })

  test('serves one folder and nothing beside it', async () => {
    const ask = (path: string) =>
      desk.app.evaluate(
        ({ net }, url) => net.fetch(url).then(async (answer) => [answer.status, (await answer.text()).length]),
        `app://quail/${path}`
      )
    expect((await ask('index.html'))[0]).toBe(200)
    const outside = [
      '',
      '..%2fmain%2findex.js',
      '%2e%2e/main/index.js',
      '../main/index.js',
      '..%5cmain%5cindex.js',
      '/etc/passwd',
      'assets',
      'assets/..%2f..%2fpackage.json',
      'index.html%00.js'
    ]
    for (const path of outside) expect([path, ...(await ask(path))]).toEqual([path, 404, 0])
  })
})

/** What Electron itself does not send, or not at once, or what begins with a name that is looked up. */
const SILENT_ANYWAY = [
  'WebRTC by TURN over TCP',
  'preconnect',
  'name looked up before',
  'prerender',
  'speculation rules',
  'manifest',
  'icon'
]

test('from a window without protection the same attempts arrive', async () => {
  const app = await launchElectron(['scripts/blank-app'])
  try {
    const page = await app.firstWindow()
    await page.goto(listener.address(''))
    await runAttempts(page, STAYING, listener.address, listener.udp)
    await settle()
    for (const [name, attempt] of Object.entries(LEAVING)) {
      await page.goto(listener.address(''))
      await runAttempts(page, { [name]: attempt }, listener.address, listener.udp).catch(() => undefined) // it left
      await expect.poll(() => listener.requests).toContain(name)
      await page.waitForURL(({ pathname }) => decodeURIComponent(pathname) === `/${name}`)
    }
    const arrived = new Set([...listener.requests, ...listener.packets])
    const silent = Object.keys(STAYING).filter((name) => !arrived.has(name) && !SILENT_ANYWAY.includes(name))
    expect(silent).toEqual([])
    expect(listener.requests).toContain(NO_REQUEST) // of TURN over TCP
  } finally {
    await app.close()
  }
})
