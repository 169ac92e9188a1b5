import { userInfo } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { expect, test, vi } from 'vitest'
import { databaseFile, quailHome, runsDirectory } from '../../../src/store/home'
import { userHome } from '../../../src/store/userHome'

test('QUAIL_HOME decides, and becomes absolute', () => {
  expect(quailHome({ QUAIL_HOME: 'here', XDG_DATA_HOME: '/data' }, 'linux', '/home/ada')).toBe(resolve('here'))
  expect(quailHome({ QUAIL_HOME: '/somewhere' }, 'darwin', '/home/ada')).toBe('/somewhere')
})

test('without QUAIL_HOME the data lies where the platform keeps application data', () => {
  expect(quailHome({}, 'linux', '/home/ada')).toBe('/home/ada/.local/share/quail')
  expect(quailHome({ QUAIL_HOME: '' }, 'linux', '/home/ada')).toBe('/home/ada/.local/share/quail')
  expect(quailHome({ XDG_DATA_HOME: '/data' }, 'linux', '/home/ada')).toBe('/data/quail')
  expect(quailHome({}, 'darwin', '/Users/ada')).toBe('/Users/ada/Library/Application Support/Quail')
  expect(quailHome({ APPDATA: '/roaming' }, 'win32', '/home/ada')).toBe(join('/roaming', 'Quail'))
})

test('without any home directory QUAIL_HOME is asked for, and an empty HOME is none', () => {
  expect(quailHome({ QUAIL_HOME: '/somewhere' }, 'linux', null)).toBe('/somewhere')
  expect(() => quailHome({}, 'linux', null)).toThrow(
    'no home directory is known of this user; set QUAIL_HOME to a directory for what Quail keeps'
  )
  vi.stubEnv('HOME', '')
  expect(userHome()).toBe(userInfo().homedir)
  expect(isAbsolute(quailHome({}))).toBe(true)
  vi.unstubAllEnvs()
})

test('a relative XDG_DATA_HOME is ignored', () => {
  expect(quailHome({ XDG_DATA_HOME: 'data' }, 'linux', '/home/ada')).toBe('/home/ada/.local/share/quail')
})

test('database and run folders lie directly below the home', () => {
  expect(databaseFile('/q')).toBe('/q/quail.db')
  expect(runsDirectory('/q')).toBe('/q/runs')
})
