import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkOutDirectory } from '../../../src/services/outDirectory'

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
})
