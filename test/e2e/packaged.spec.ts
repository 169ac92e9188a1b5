import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { getCurrentFuseWire } from '@electron/fuses'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blanks, modelThatEndsOverBlanks } from '../helpers/hostileTokenizers'
import { removeTemporary, temporaryFolder } from './harness'
import { LEAVING, Listener, runAttempts, STAYING, secretFile } from './hostilePage'
import { openPackagedDesk, type PackagedDesk } from './packagedDesk'

/*
 * What people install: the .deb is built, unpacked as dpkg does, and its program driven.
 */

const MINUTES = 60_000

let installed: string
let program: string
let desk: PackagedDesk

beforeAll(async () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/package.mjs', '--unsupported-electron'], {
    encoding: 'utf8',
    // Built before these tests began; others may be using it.
    env: { ...process.env, QUAIL_BUILT: '1' }
  })
  expect(status, stderr).toBe(0)
  const archive = readdirSync('dist').find((name) => name.endsWith('.deb'))
  installed = await temporaryFolder('quail-deb-')
  expect(spawnSync('dpkg-deb', ['-x', resolve('dist', archive ?? ''), installed]).status).toBe(0)
  program = join(installed, 'usr/lib/quail/quail')
  desk = await openPackagedDesk(program)
}, 5 * MINUTES)

afterAll(async () => {
  await desk?.close()
  await removeTemporary()
})

/** Runs the command line of the package, as /usr/bin/quail-cli does. */
function quailCli(args: readonly string[], home: string) {
  const script = readFileSync(join(installed, 'usr/bin/quail-cli'), 'utf8').replaceAll('/usr/lib/quail/quail', program)
  return spawnSync('sh', ['-c', script, 'quail-cli', ...args], {
    encoding: 'utf8',
    env: { ...process.env, QUAIL_HOME: home }
  })
}

describe('the Debian package', () => {
  test('brings desktop entry, MIME types, icons, licence and a set-user-id sandbox', () => {
    const entry = readFileSync(join(installed, 'usr/share/applications/quail.desktop'), 'utf8')
    expect(entry).toMatch(/^Exec=quail %F$/m)
    expect(entry).toMatch(/^MimeType=.*application\/x-quail-recipe\+yaml;/m)
    const types = readFileSync(join(installed, 'usr/share/mime/packages/quail.xml'), 'utf8')
    expect(types).toContain('<glob pattern="*.quail.yaml"')
    for (const icon of ['48x48/apps/quail.png', '512x512/apps/quail.png', 'scalable/apps/quail.svg']) {
      expect(existsSync(join(installed, 'usr/share/icons/hicolor', icon))).toBe(true)
    }
    expect(readFileSync(join(installed, 'usr/share/doc/quail/copyright'), 'utf8')).toContain('MIT')
    if (process.getuid?.() === 0) {
      expect(statSync(join(installed, 'usr/lib/quail/chrome-sandbox')).mode & 0o7777).toBe(0o4755)
    }
  })

  test('is hardened by fuses', async () => {
    const fuses = await getCurrentFuseWire(program)
    const state = (fuse: number) => String.fromCharCode(fuses[fuse as keyof typeof fuses] as number)
    // In the order of @electron/fuses' FuseV1Options.
    const [runAsNode, cookies, nodeOptions, inspect, integrity, onlyAsar, , filePrivileges] = [
      0, 1, 2, 3, 4, 5, 6, 7
    ].map(state)
    expect({ runAsNode, cookies, nodeOptions, inspect, integrity, onlyAsar, filePrivileges }).toEqual({
      runAsNode: '0',
      cookies: '1',
      nodeOptions: '0',
      inspect: '0',
      integrity: '1',
      onlyAsar: '1',
      filePrivileges: '0'
    })
  })

  test('has a command line that finds its sample and judges what it made', async () => {
    const home = await temporaryFolder()
    const sample = join(installed, 'usr/lib/quail/resources/resources/sample')
    const inspected = quailCli(['inspect', join(sample, 'model')], home)
    expect(inspected.status, inspected.stderr).toBe(0)
    expect(inspected.stdout).toContain('28')
    expect(quailCli(['no-such-command'], home).status).toBe(2)
  })

  test('has tokenizers work in a process of their own, also in its command line', async () => {
    const home = await temporaryFolder()
    writeFileSync(join(home, 'blanks.txt'), blanks())
    const plan = (model: string, text: string) =>
      quailCli(['plan', '--model', model, '--calibration', text, '--method', 'svd'], home)
    const { status, stderr } = plan(modelThatEndsOverBlanks(), join(home, 'blanks.txt'))
    expect(status).toBe(2)
    expect(stderr).toMatch(
      /^quail: blanks\.txt, tokenized as .* says, .*(: the tokenizers library ends over it|was given up: it takes more than).*\n$/
    )
    const usable = plan(resolve('resources/sample/model'), resolve('resources/sample/text/moby-evaluation.txt'))
    expect(usable.status, usable.stderr).toBe(0)
  })
})

describe('the packaged window', () => {
  test('shows its pages from inside the archive without a complaint', async () => {
    const { page } = desk
    expect(page.url()).toMatch(/^app:\/\/quail\/index\.html/)
    const complaints: string[] = []
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
    })
    for (const place of ['Models', 'Data', 'Runs', 'Compare', 'Devices', 'Settings', 'Home']) {
      await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: place }).click()
      await page.getByRole('heading', { level: 1 }).waitFor()
    }
    expect(complaints).toEqual([])
  })

  test('sends nothing out and reads no file, whatever its page tries', async () => {
    const { page } = desk
    const listener = await Listener.open()
    const { secret, url } = await secretFile()
    const attempts = { ...STAYING, ...LEAVING }
    const sent = await runAttempts(page, attempts, listener.address, listener.udp)
    const read = await runAttempts(page, attempts, () => url, listener.udp)
    expect(Object.keys(sent)).toEqual(Object.keys(attempts))
    expect(Object.keys(read)).toEqual(Object.keys(attempts))
    await new Promise((done) => setTimeout(done, 1000))
    expect([listener.connections, listener.packets]).toEqual([0, []])
    expect(await listener.hearsItself()).toBe(true)
    expect(JSON.stringify(read)).not.toContain(secret)
    listener.close()
  })
})
