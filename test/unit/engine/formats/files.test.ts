import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { resolveFree, writeDirectoryAtomic } from '../../../../src/engine/formats/atomicDirectory'
import {
  makeFolder,
  readJsonFile,
  sha256,
  sha256File,
  writeChunksAtomic,
  writeFileAtomic
} from '../../../../src/engine/formats/files'

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'quail-files-'))
})
afterEach(() => rmSync(root, { recursive: true }))

describe('hashes', () => {
  // FIPS 180-2, appendix B.1
  const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'

  it('are SHA-256 of the UTF-8 bytes', async () => {
    expect(sha256('abc')).toBe(ABC)
    writeFileSync(join(root, 'abc'), 'abc')
    expect(await sha256File(join(root, 'abc'))).toBe(ABC)
  })

  it('cover a file of several pieces', async () => {
    const bytes = new Uint8Array(3 * 2 ** 20 + 5).map((_, i) => i % 251)
    writeFileSync(join(root, 'long'), bytes)
    expect(await sha256File(join(root, 'long'))).toBe(sha256(bytes))
  })

  it('name a file that cannot be read', async () => {
    const path = join(root, 'no')
    await expect(sha256File(path)).rejects.toMatchObject({ code: 'IO', message: `${path}: no such file or directory` })
  })
})

describe('a folder', () => {
  it('is made with those above it, also by several at once, and stays where it is there', async () => {
    const path = join(root, 'a', 'b', 'c')
    await Promise.all([makeFolder(path), makeFolder(join(path, 'd')), makeFolder(path)])
    await makeFolder(path)
    expect(readdirSync(path)).toEqual(['d'])
  })

  it('is refused below a file', async () => {
    writeFileSync(join(root, 'file'), '')
    await expect(makeFolder(join(root, 'file', 'a'))).rejects.toThrow('ENOTDIR')
    await expect(makeFolder(join(root, 'file'))).rejects.toThrow('file is a file, a folder was expected')
  })

  it.runIf(process.platform === 'linux')('is refused where no folder can be made, for ever missing', async () => {
    const message = '/proc/quail cannot be made: /proc takes no folders'
    await expect(makeFolder('/proc/quail/a')).rejects.toMatchObject({ code: 'BAD_INPUT', message })
  })
})

describe('writeFileAtomic', () => {
  it('replaces what was there and leaves nothing else', async () => {
    const path = join(root, 'a.txt')
    await writeFileAtomic(path, 'one')
    await writeFileAtomic(path, 'zwölf')
    expect(readFileSync(path, 'utf8')).toBe('zwölf')
    expect(readdirSync(root)).toEqual(['a.txt'])
  })

  it('keeps the old content and removes its temporary file when writing stops half-way', async () => {
    const path = join(root, 'a.txt')
    writeFileSync(path, 'old')
    function* chunks() {
      yield new Uint8Array(1000)
      throw new Error('the source broke')
    }
    await expect(writeChunksAtomic(path, chunks())).rejects.toThrow('the source broke')
    expect(readFileSync(path, 'utf8')).toBe('old')
    expect(readdirSync(root)).toEqual(['a.txt'])
  })

  it('names the file, not the temporary one, when the directory does not exist', async () => {
    const path = join(root, 'no', 'a.txt')
    await expect(writeFileAtomic(path, 'x')).rejects.toMatchObject({
      code: 'IO',
      message: `${path} cannot be written: ${join(root, 'no')} does not exist`
    })
  })

  // The file system of processes takes nothing, whoever asks; one of Linux alone.
  it.runIf(existsSync('/proc/self'))('says of a place that takes nothing that it does not', async () => {
    await expect(writeFileAtomic('/proc/a.txt', 'x')).rejects.toMatchObject({
      code: 'IO',
      message: '/proc/a.txt cannot be written: /proc takes no files'
    })
    await expect(writeDirectoryAtomic('/proc/a', async () => {})).rejects.toThrow(
      '/proc/a cannot be made: /proc takes no folders'
    )
  })

  it('removes its temporary file when the name is taken by a directory', async () => {
    mkdirSync(join(root, 'a'))
    await expect(writeFileAtomic(join(root, 'a'), 'x')).rejects.toMatchObject({ code: 'IO' })
    expect(readdirSync(root)).toEqual(['a'])
  })
})

describe('readJsonFile', () => {
  it('reads UTF-8 with or without a byte order mark', async () => {
    writeFileSync(join(root, 'a.json'), '\ufeff{"a": ["ü"]}')
    expect(await readJsonFile(join(root, 'a.json'), 100)).toEqual({ a: ['ü'] })
  })

  it('reads the numbers that Python writes and JSON does not have, and leaves texts alone', async () => {
    const text = String.raw`{"a": [0.0, Infinity], "b": -Infinity, "c": NaN, "d": "NaN, \"Infinity\"", "NaN": 1}`
    writeFileSync(join(root, 'a.json'), text)
    expect(await readJsonFile(join(root, 'a.json'), 100)).toEqual({
      a: [0, { __float__: 'Infinity' }],
      b: { __float__: '-Infinity' },
      c: { __float__: 'NaN' },
      d: 'NaN, "Infinity"',
      NaN: 1
    })
    writeFileSync(join(root, 'a.json'), '{"a": NaN, "b": -NaN}')
    await expect(readJsonFile(join(root, 'a.json'), 100)).rejects.toThrow('has "-" where a value was expected')
    // In a string without an end nothing is looked for again: each of its quotes would begin another such search.
    writeFileSync(join(root, 'a.json'), `["${String.raw`\"`.repeat(5e5)}`)
    await expect(readJsonFile(join(root, 'a.json'), 2e6)).rejects.toThrow('is not valid JSON: it ends inside a string')
  })

  it.each([
    { what: 'a file above the limit', content: '"0123456789"', says: 'has 12 bytes; at most 10 are accepted' },
    {
      what: 'text that is not JSON',
      content: '{"a" 1}',
      says: 'is not valid JSON: it has "1" where ":" was expected'
    },
    { what: 'an empty file', content: '', says: 'is not valid JSON: it ends where a value was expected' }
  ])('refuses $what', async ({ content, says }) => {
    const path = join(root, 'a.json')
    writeFileSync(path, content)
    const error = await readJsonFile(path, 10).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'BAD_FORMAT' })
    expect((error as Error).message.startsWith(`${path} ${says}`)).toBe(true)
  })

  it('says that a file is missing, or is a directory', async () => {
    const path = join(root, 'no.json')
    await expect(readJsonFile(path, 10)).rejects.toMatchObject({ code: 'BAD_INPUT', message: `${path} does not exist` })
    await expect(readJsonFile(root, 10)).rejects.toMatchObject({ code: 'BAD_INPUT', message: `${root} is not a file` })
  })
})

describe('writeDirectoryAtomic', () => {
  const fill = async (directory: string): Promise<string> => {
    writeFileSync(join(directory, 'a.txt'), 'a')
    return 'filled'
  }

  it('makes a new directory with its parents, or fills an empty one', async () => {
    const out = join(root, 'deep', 'er', 'out')
    expect(await writeDirectoryAtomic(out, fill)).toBe('filled')
    mkdirSync(join(root, 'empty'))
    await writeDirectoryAtomic(join(root, 'empty'), fill)
    expect(readdirSync(out)).toEqual(['a.txt'])
    expect(readdirSync(join(root, 'empty'))).toEqual(['a.txt'])
    expect(readdirSync(root)).toEqual(['deep', 'empty'])
  })

  it('follows a link to an empty directory', async () => {
    mkdirSync(join(root, 'real'))
    symlinkSync('real', join(root, 'link'))
    await writeDirectoryAtomic(join(root, 'link'), fill)
    expect(readdirSync(join(root, 'real'))).toEqual(['a.txt'])
  })

  it('leaves nothing behind when filling fails', async () => {
    const out = join(root, 'out')
    const failing = async (directory: string) => {
      await fill(directory)
      throw new Error('half-way')
    }
    await expect(writeDirectoryAtomic(out, failing)).rejects.toThrow('half-way')
    expect(readdirSync(root)).toEqual([])
  })

  it('names the file in the output directory, not in the temporary one, when filling fails', async () => {
    const out = join(root, 'out')
    const failing = (directory: string) => writeFileAtomic(join(directory, 'no', 'a.txt'), '')
    await expect(writeDirectoryAtomic(out, failing)).rejects.toMatchObject({
      code: 'IO',
      message: `${join(out, 'no', 'a.txt')} cannot be written: ${join(out, 'no')} does not exist`
    })
  })

  it('does not replace a directory that was filled meanwhile', async () => {
    const out = join(root, 'out')
    const racing = async (directory: string) => {
      mkdirSync(out)
      writeFileSync(join(out, 'mine'), '')
      return await fill(directory)
    }
    await expect(writeDirectoryAtomic(out, racing)).rejects.toMatchObject({ code: 'BAD_INPUT' })
    expect(readdirSync(root)).toEqual(['out'])
    expect(readdirSync(out)).toEqual(['mine'])
  })

  it('refuses a directory that is not empty, and a file', async () => {
    writeFileSync(join(root, 'a.txt'), '')
    await expect(resolveFree(root)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: `the output directory ${root} is not empty, it holds a.txt; give a new or an empty one`
    })
    for (const path of [join(root, 'a.txt'), join(root, 'a.txt', 'below')]) {
      await expect(resolveFree(path)).rejects.toMatchObject({
        code: 'BAD_INPUT',
        message: `the output directory ${path} is a file, or lies below one; give a new directory`
      })
    }
  })
})
