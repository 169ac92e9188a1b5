import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { expect, it } from 'vitest'
import { replaceDirectoryAtomic, writeDirectoryAtomic } from '../../../../src/engine/formats/atomicDirectory'
import { writeFileAtomic } from '../../../../src/engine/formats/files'
import { writeSealed } from '../../../../src/engine/formats/sealedFile'
import { sweepTemporaries, temporaryName } from '../../../../src/engine/formats/temporaryNames'

const newFolder = (): string => mkdtempSync(join(tmpdir(), 'quail-temporary-'))

/** A process that is no more. */
const DEAD = spawnSync(process.execPath, ['--version']).pid

/** What that process would have called it. */
const nameOfDead = (path: string): string => temporaryName(path).replace(`-${process.pid}-`, `-${DEAD}-`)

/** A directory with a file, as a killed process leaves it. */
function leaveDirectory(path: string): void {
  const left = nameOfDead(path)
  mkdirSync(left)
  writeFileSync(join(left, '.spool'), 'half')
}

const fill = async (directory: string): Promise<void> => writeFileSync(join(directory, 'file'), 'new')

it('removes what processes that are no more left of the same name, and nothing else', async () => {
  const folder = newFolder()
  const adapter = join(folder, 'adapter')
  const kept = [
    temporaryName(adapter), // this process is at it
    nameOfDead(`${adapter}.v2`),
    nameOfDead(adapter).replace(/adapter\.[0-9a-f]{8}/, 'adapter.00000000'), // of another machine on the same disk
    join(folder, '.adapter.mine.tmp'),
    adapter
  ]
  for (const path of kept) writeFileSync(path, 'x')
  writeFileSync(nameOfDead(adapter), 'half')
  leaveDirectory(adapter)
  await sweepTemporaries(adapter)
  expect(readdirSync(folder).sort()).toEqual(kept.map((path) => basename(path)).sort())
})

it('does so before a file or a directory is written anew', async () => {
  const folder = newFolder()
  const [file, sealed, made] = ['file', 'sealed', 'made'].map((name) => join(folder, name)) as [string, string, string]
  for (const path of [file, sealed]) writeFileSync(nameOfDead(path), 'half')
  leaveDirectory(made)
  await writeFileAtomic(file, 'new')
  await writeSealed(sealed, new Uint8Array(32), [])
  await writeDirectoryAtomic(made, fill)
  expect(readdirSync(folder).sort()).toEqual(['file', 'made', 'sealed'])
  leaveDirectory(made)
  await replaceDirectoryAtomic(made, fill)
  expect(readdirSync(folder).sort()).toEqual(['file', 'made', 'sealed'])
  expect(readdirSync(made)).toEqual(['file'])
})

it('writes under the longest name that a file system takes', async () => {
  const folder = newFolder()
  for (const name of ['x'.repeat(254), 'é'.repeat(127)]) {
    const [file, made] = [join(folder, `${name}f`), join(folder, `${name}d`)]
    await writeFileAtomic(file, 'new')
    expect(readFileSync(file, 'utf8')).toBe('new')
    leaveDirectory(made)
    await writeDirectoryAtomic(made, fill)
    expect(readdirSync(made)).toEqual(['file'])
  }
  expect(readdirSync(folder)).toHaveLength(4)
})
