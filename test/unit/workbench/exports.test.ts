import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { changePreferences, readPreferences } from '../../../src/services/preferences'
import type { WindowEvent } from '../../../src/shared/contract/events'
import { closeStore } from '../../../src/store/database'
import { writeSetting } from '../../../src/store/settings'
import { exportHandlers } from '../../../src/workbench/exports'
import { Grants } from '../../../src/workbench/grants'
import { settingsHandlers } from '../../../src/workbench/settings'
import { completeRun, temporaryServices, writeAdapter } from '../../helpers/bundles'
import { temporaryHome } from '../../helpers/stores'
import { openWorkbench } from '../../helpers/workbench'

const RUN = 'run-1'
const scope = { signal: new AbortController().signal, progress: () => {} }

async function bench({ withRun = true } = {}) {
  const services = await temporaryServices()
  if (withRun) await completeRun(services, RUN)
  const events: WindowEvent['type'][] = []
  const installation = {
    home: services.home,
    version: 'test',
    workerUrl: 'file:///none',
    resources: resolve('resources')
  }
  const context = { services, installation, grants: new Grants(), emit: ({ type }: WindowEvent) => events.push(type) }
  return {
    services,
    events,
    exports: exportHandlers(context as never),
    settings: settingsHandlers(context as never),
    elsewhere: temporaryHome()
  }
}

describe('a place for a copy', () => {
  test('is an empty or new folder itself, else one inside it that is free', async () => {
    const { exports, elsewhere } = await bench()
    const target = (folder: string) => exports['exports.target']({ run: RUN, variant: 'svd-r8', folder }, scope)
    expect(await target(elsewhere)).toEqual({ path: elsewhere, meets: 'nothing' })

    writeFileSync(join(elsewhere, 'notes.txt'), 'mine')
    const inside = join(elsewhere, 'small-svd-r8')
    expect(await target(elsewhere)).toEqual({ path: inside, meets: 'nothing' })
    writeAdapter(inside)
    expect(await target(elsewhere)).toEqual({ path: inside, meets: 'adapter' })
    expect(await target(inside)).toEqual({ path: inside, meets: 'adapter' })
    writeFileSync(join(inside, 'notes.txt'), 'mine')
    expect(await target(elsewhere)).toEqual({ path: `${inside}-2`, meets: 'nothing' })
  })
})

test('the page of a variant names the copy in snippets and commands once there is one', async () => {
  const { exports } = await bench()
  const view = (copiedTo: string | null) => exports['exports.variant']({ run: RUN, variant: 'svd-r8', copiedTo }, scope)
  const { adapter, snippets, checks } = await view(null)
  expect(snippets.every(({ text }) => text.includes(adapter))).toBe(true)
  expect(checks.quail).toBe(`quail verify ${adapter} --model /models/small`)

  const copied = await view('/media/stick/my adapter')
  expect(copied.snippets.every(({ text }) => text.includes('/media/stick/my adapter'))).toBe(true)
  expect(copied.checks.bitsandbytes).toBe(
    'python "/media/stick/my adapter/check_fingerprint.py" /models/small "/media/stick/my adapter"'
  )
})

test('a bundle is never written into Quail’s own folder, whoever asks', async () => {
  const { exports, services } = await bench()
  const before = readFileSync(join(services.home, 'quail.db'))
  const out = join(services.home, 'quail.db')
  await expect(exports['exports.bundle']({ run: RUN, out, factors: false }, scope)).rejects.toThrow(
    "Quail's own folder"
  )
  expect(readFileSync(out).equals(before)).toBe(true)
})

test('an imported run is told of', async () => {
  const { exports, elsewhere } = await bench()
  const file = join(elsewhere, 'a.quailrun')
  await exports['exports.bundle']({ run: RUN, out: file, factors: false }, scope)
  const other = await bench({ withRun: false })
  await expect(other.exports['exports.importBundle']({ file }, scope)).resolves.toMatchObject({ run: RUN })
  expect(other.events).toEqual(['runs.changed', 'sets.changed', 'projects.changed'])
})

test('the window may name only folders that were chosen, for copies as for bundles', async () => {
  const services = await temporaryServices()
  await completeRun(services, RUN)
  await closeStore(services.store)
  const elsewhere = temporaryHome()
  const workbench = openWorkbench(services.home)
  const copy = () => workbench.call('exports.copy', { run: RUN, variant: 'svd-r8', to: join(elsewhere, 'copy') })
  await expect(copy()).rejects.toThrow('was not chosen in a dialog')
  await expect(workbench.call('exports.bundle', { run: RUN, out: join(elsewhere, 'b') })).rejects.toThrow(
    'was not chosen'
  )
  await expect(workbench.call('exports.importBundle', { file: '/etc/passwd' })).rejects.toThrow('was not chosen')
  await expect(workbench.call('settings.change', { modelFolders: ['/etc'] })).rejects.toThrow('was not chosen')
  expect(readdirSync(elsewhere)).toEqual([])
  await workbench.grant([elsewhere], 'writeFolder')
  expect((await copy()).path).toBe(join(elsewhere, 'copy'))
})

test('a defect goes to the log, and the diagnostics show it without the folder it happened in', async () => {
  const workbench = openWorkbench(temporaryHome())
  await expect(workbench.call('no.such.call' as 'settings.get', {})).rejects.toThrow('no call of the contract')
  expect(readFileSync(join(workbench.home, 'logs', 'quail.log'), 'utf8')).toContain('no.such.call')
  const { text } = await workbench.call('settings.diagnostics', {})
  expect(text).toContain('no.such.call')
  expect(text).not.toContain(workbench.home)
})

describe('settings', () => {
  test('are kept one by one, told of, and decide the threads at once', async () => {
    const { settings, events, services } = await bench()
    const given = process.env.QUAIL_THREADS
    try {
      await settings['settings.change']({ theme: 'dark' }, scope)
      await settings['settings.change']({ threads: 3 }, scope)
      expect((await settings['settings.get']({}, scope)).preferences).toMatchObject({ theme: 'dark', threads: 3 })
      expect(await readPreferences(services.store)).toMatchObject({ memoryBudget: 2 ** 31, modelFolders: [] })
      expect(events).toEqual(['settings.changed', 'settings.changed'])
      expect(process.env.QUAIL_THREADS).toBe(given ?? '3')
      await settings['settings.change']({ threads: null }, scope)
      expect(process.env.QUAIL_THREADS).toBe(given)
    } finally {
      if (given === undefined) delete process.env.QUAIL_THREADS
    }
  })

  test('changed at once are all kept', async () => {
    const { services } = await bench()
    await Promise.all([
      changePreferences(services.store, { theme: 'dark' }),
      changePreferences(services.store, { memoryBudget: 2 ** 30 }),
      changePreferences(services.store, ({ modelFolders }) => ({ modelFolders: [...modelFolders, '/a'] })),
      changePreferences(services.store, ({ modelFolders }) => ({ modelFolders: [...modelFolders, '/b'] }))
    ])
    expect(await readPreferences(services.store)).toMatchObject({
      theme: 'dark',
      memoryBudget: 2 ** 30,
      modelFolders: ['/a', '/b']
    })
  })

  test('that are not of this form any more count as none', async () => {
    const { settings, services } = await bench()
    await writeSetting(services.store, 'preferences', { theme: 'sepia' })
    expect((await settings['settings.get']({}, scope)).preferences.theme).toBe('system')
    await expect(changePreferences(services.store, { threads: 0 })).rejects.toThrow()
  })

  test('bring the licences of what is shipped', async () => {
    const { settings } = await bench()
    expect((await settings['settings.licences']({}, scope)).length).toBeGreaterThan(50)
  })
})
