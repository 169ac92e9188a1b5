import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkOutDirectory } from '../../../src/services/outDirectory'
import { ownPrefix } from '../../../src/services/ownFolders'

const root = mkdtempSync(join(tmpdir(), 'quail-out-'))
const model = join(root, 'model')
mkdirSync(model)

describe('the output directory', () => {
  it('may be new or empty', async () => {
    mkdirSync(join(root, 'empty'))
    expect(await checkOutDirectory(join(root, 'new', 'deep'), model)).toBe(join(root, 'new', 'deep'))
    expect(await checkOutDirectory(join(root, 'empty'), model)).toBe(join(root, 'empty'))
  })

  it('may lie beside the model under a name that begins like its', async () => {
    expect(await checkOutDirectory(`${model}-adapter`, model)).toBe(`${model}-adapter`)
  })

  it('must not hold anything', async () => {
    mkdirSync(join(root, 'full'))
    writeFileSync(join(root, 'full', 'notes.txt'), 'x')
    await expect(checkOutDirectory(join(root, 'full'), model)).rejects.toThrow(/is not empty \(it holds notes\.txt\)/)
  })

  it('must not be a file, nor lie below one', async () => {
    writeFileSync(join(root, 'file'), 'x')
    await expect(checkOutDirectory(join(root, 'file'), model)).rejects.toThrow(/is a file/)
    await expect(checkOutDirectory(join(root, 'file', 'below'), model)).rejects.toThrow(/lies below one/)
  })

  it('must not lie in the checkpoint, also through a link', async () => {
    symlinkSync(model, join(root, 'link'))
    await expect(checkOutDirectory(model, model)).rejects.toThrow(/never written/)
    await expect(checkOutDirectory(join(root, 'link', 'adapter'), model)).rejects.toThrow(/never written/)
  })

  it('is tried before hours of work: what cannot be written is refused, and nothing is left behind', async () => {
    const before = readdirSync(root)
    await checkOutDirectory(join(root, 'new'), model)
    expect(readdirSync(root)).toEqual(before)
    symlinkSync(join(root, 'nowhere'), join(root, 'dangling'))
    await expect(checkOutDirectory(join(root, 'dangling'), model)).rejects.toThrow(/is a link to what does not exist/)
    await expect(checkOutDirectory(join(root, 'dangling', 'a'), model)).rejects.toThrow(
      /is a link to what does not exist/
    )
  })

  it('holds nothing of trials that were killed', async () => {
    const { pid: dead } = spawnSync(process.execPath, ['-e', ''])
    const left = ['', '-renamed'].map((end) => join(root, `${ownPrefix('.quail-trial-')}aB3dEf${end}`))
    const killed = left.map((path) => path.replace(`-${process.pid}-`, `-${dead}-`))
    for (const path of [...left, ...killed]) mkdirSync(path)
    await checkOutDirectory(join(root, 'new'), model)
    expect(killed.map((path) => existsSync(path))).toEqual([false, false])
    expect(left.map((path) => existsSync(path))).toEqual([true, true]) // of a process that lives
    for (const path of left) rmdirSync(path)
  })

  // The file system of processes takes no directory, whoever asks; one of Linux alone.
  it.runIf(existsSync('/proc/self'))('must not lie where nothing can be written', async () => {
    await expect(checkOutDirectory('/proc/quail/adapter', model)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: '/proc/quail/adapter cannot be written (/proc: it takes no folders); choose another directory'
    })
  })
})
