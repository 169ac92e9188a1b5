import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { licenceOf } from '../../../../src/engine/ask/licence'

const directory = mkdtempSync(join(tmpdir(), 'quail-licence-'))
afterAll(() => rmSync(directory, { recursive: true }))

it.each([
  ['---\nlanguage: en\nlicense: apache-2.0\n---\n# Model', 'apache-2.0'],
  ['---\r\nlicense: "mit"\r\n---\r\n', 'mit'],
  ['---\nlicense: other\nlicense_name: tongyi\n---\n', 'tongyi'],
  ['# Model\n\nlicense: not in front matter\n', 'of-config'],
  ['---\nlicense: gpl-3.0\n', 'of-config']
])('reads %j as %s', async (readme, expected) => {
  writeFileSync(join(directory, 'README.md'), readme)
  expect(await licenceOf(directory, { license: 'of-config' })).toBe(expected)
})

it('names none where nothing does', async () => {
  expect(await licenceOf('/does/not/exist')).toBeUndefined()
})
