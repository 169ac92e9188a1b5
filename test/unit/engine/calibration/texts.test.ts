import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readTexts, splitSamples } from '../../../../src/engine/calibration/texts'
import type { ResolvedText } from '../../../../src/shared/runFolder'

const folder = mkdtempSync(join(tmpdir(), 'quail-texts-'))
afterAll(() => rmSync(folder, { recursive: true }))

function given(content: string | Uint8Array, kind: ResolvedText['kind'] = 'text'): Promise<string[]> {
  writeFileSync(join(folder, 'given.txt'), content)
  return readTexts({ name: 'given.txt', path: 'given.txt', kind, bytes: content.length, sha256: '' }, folder)
}

describe('reading a text', () => {
  it('returns the whole file as one document', async () => {
    expect(await given('Über\n\nzwei Absätze\n')).toEqual(['Über\n\nzwei Absätze\n'])
  })

  it('drops a byte order mark and takes every kind of line end for \\n', async () => {
    expect(await given('\ufeffone\r\ntwo\rthree\n')).toEqual(['one\ntwo\nthree\n'])
  })

  it('finds an absolute path wherever the folder is', async () => {
    writeFileSync(join(folder, 'here.txt'), 'words')
    const text: ResolvedText = { name: 'x', path: join(folder, 'here.txt'), kind: 'text', bytes: 5, sha256: '' }
    expect(await readTexts(text, '/nowhere')).toEqual(['words'])
  })

  it.each([
    ['', /given\.txt holds no text/],
    [' \n\t\n', /given\.txt holds no text/],
    [Uint8Array.of(65, 0xff, 66), /given\.txt is not valid UTF-8/],
    [Uint8Array.of(65, 66, 0, 67), /given\.txt is not a text file: byte 2 is zero/]
  ])('refuses %j with one sentence', async (content, message) => {
    await expect(given(content)).rejects.toMatchObject({ code: 'BAD_INPUT', message: expect.stringMatching(message) })
  })

  it('refuses a missing file and a directory', async () => {
    const text = (path: string): ResolvedText => ({ name: 'x', path, kind: 'text', bytes: 0, sha256: '' })
    await expect(readTexts(text('missing.txt'), folder)).rejects.toThrow(/missing\.txt does not exist/)
    await expect(readTexts(text('.'), folder)).rejects.toThrow(/is not a file/)
  })
})

describe('reading samples', () => {
  it('takes the text of each line as it is and skips blank lines', async () => {
    expect(await given('{"text":"a\\r\\nb","id":1}\n\n{"text":" c "}\n', 'samples')).toEqual(['a\r\nb', ' c '])
  })

  it.each([
    ['{"text":"a"}\n{"text":', /line 2: not JSON/],
    ['{"text":"a"}\n\n{"txt":"b"}', /line 3: an object with a string "text"/],
    ['"text"', /line 1: an object with a string "text"/],
    ['{"text":7}', /line 1: an object with a string "text"/],
    ['{"text":"  "}', /line 1: "text" is empty/],
    ['\n\n', /holds no samples/]
  ])('refuses %j and names file and line', async (content, message) => {
    await expect(given(content, 'samples')).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringMatching(new RegExp(`given\\.txt.*${message.source}`))
    })
  })
})

describe('splitting a document into samples', () => {
  it('cuts at blank lines, also at lines of spaces, and keeps no empty part', () => {
    expect(splitSamples('\n\none\ntwo\n \t\n three \n\n\n\nfour')).toEqual(['one\ntwo', 'three', 'four'])
  })

  it('finds nothing in a document of spaces', () => {
    expect(splitSamples(' \n\n ')).toEqual([])
  })
})
