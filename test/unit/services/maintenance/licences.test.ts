import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import type { Licence } from '../../../../src/shared/settings'

const root = resolve(import.meta.dirname, '../../../..')
const licences = JSON.parse(readFileSync(join(root, 'resources/licences.json'), 'utf8')) as Licence[]

test('resources/licences.json is what `node scripts/licences.mjs` would write', () => {
  execFileSync(process.execPath, [join(root, 'scripts/licences.mjs'), '--check'], { stdio: 'pipe' })
})

test('every shipped package may be given away with an MIT program', () => {
  const free = /^\(?(MIT|ISC|0BSD|BSD-[23]-Clause|Apache-2\.0|BlueOak-1\.0\.0|Unlicense|CC0-1\.0)\b/
  expect(licences.filter(({ licence }) => !free.test(licence))).toEqual([])
  expect(licences.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['electron', 'react', 'onnxruntime-node', 'sqlite3', 'zod'])
  )
})
