import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Desk, openDesk, removeTemporary } from './harness'
import { LEAVING, Listener, runAttempts, STAYING, secretFile } from './hostilePage'

/*
 * The same attempts in a page whose policy does not hold, as if a hole in the browser had taken it away: what the session and
 * the resolver refuse must do alone.
 */

let desk: Desk
let listener: Listener

beforeAll(async () => {
  listener = await Listener.open()
  desk = await openDesk()
  const session = await desk.page.context().newCDPSession(desk.page)
  await session.send('Page.setBypassCSP', { enabled: true })
  await desk.page.reload()
  await desk.page.getByRole('navigation', { name: 'Pages' }).waitFor()
})

afterAll(async () => {
  await desk?.close()
  listener.close()
  await removeTemporary()
})

test('a page without its policy sends nothing either, and reads no file', async () => {
  const { secret, url } = await secretFile()
  const attempts = { ...STAYING, ...LEAVING }
  // The policy is gone: what it refuses is answered.
  expect(await desk.page.evaluate(`fetch('data:text/plain,x').then((answer) => answer.text())`)).toBe('x')
  const sent = await runAttempts(desk.page, attempts, listener.address, listener.udp)
  const read = await runAttempts(desk.page, attempts, () => url, listener.udp)
  expect(Object.keys(sent)).toEqual(Object.keys(attempts))
  await new Promise((done) => setTimeout(done, 1000))
  expect([listener.connections, listener.requests, listener.packets]).toEqual([0, [], []])
  expect(Object.entries(read).filter(([, value]) => value.includes(secret))).toEqual([])
  expect(await listener.hearsItself()).toBe(true)
})
