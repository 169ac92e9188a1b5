import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { type ReadText, readTexts, splitSamples } from '../../../../src/engine/calibration/texts'
import type { ResolvedText } from '../../../../src/shared/runFolder'

const folder = mkdtempSync(join(tmpdir(), 'quail-texts-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function textsOf(pieces: AsyncIterable<ReadText>): Promise<string[]> {
  const texts: string[] = []
  for await (const { text } of pieces) texts.push(text)
  return texts
}

/** The one document of a file, or its samples. */
async function read(text: ResolvedText, directory: string): Promise<string[]> {
  const texts = await textsOf(readTexts(text, directory))
  return text.kind === 'text' ? [texts.join('')] : texts
}

function given(content: string | Uint8Array, kind: ResolvedText['kind'] = 'text'): Promise<string[]> {
  writeFileSync(join(folder, 'given.txt'), content)
  return read({ name: 'given.txt', path: 'given.txt', kind, bytes: content.length, sha256: '' }, folder)
}

/** What lies on both sides of the border between two chunks of a file. */
const acrossChunks = (piece: string): string => `${'x'.repeat(2 ** 18 - 1)}${piece}`

describe('reading a text', () => {
  it('returns the whole file as one document', async () => {
    expect(await given('Über\n\nzwei Absätze\n')).toEqual(['Über\n\nzwei Absätze\n'])
  })

  it('drops a byte order mark and takes every kind of line end for \\n', async () => {
    expect(await given('\ufeffone\r\ntwo\rthree\n')).toEqual(['one\ntwo\nthree\n'])
  })

  it('takes a line end, a character or a blank line that lies across two chunks as one', async () => {
    for (const piece of ['\r\nend', '\u00e9nd', '\r', '\ud83d\ude00'])
      expect(await given(acrossChunks(piece))).toEqual([acrossChunks(piece).replaceAll(/\r\n?/g, '\n')])
    writeFileSync(join(folder, 'long.txt'), `one\n${acrossChunks('\r\n \r\nthree')}`)
    const text: ResolvedText = { name: 'x', path: 'long.txt', kind: 'text', bytes: 0, sha256: '' }
    const [first = '', second] = await textsOf(splitSamples(readTexts(text, folder), 'x'))
    expect([first.length, second]).toEqual([4 + 2 ** 18 - 1, 'three'])
  })

  it('finds an absolute path wherever the folder is', async () => {
    writeFileSync(join(folder, 'here.txt'), 'words')
    const text: ResolvedText = { name: 'x', path: join(folder, 'here.txt'), kind: 'text', bytes: 5, sha256: '' }
    expect(await read(text, '/nowhere')).toEqual(['words'])
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
    await expect(read(text('missing.txt'), folder)).rejects.toThrow(/missing\.txt does not exist/)
    await expect(read(text('.'), folder)).rejects.toThrow(/is not a file/)
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
  const whole = '\n\none\ntwo\n \t\n three \n\n\n\nfour'
  async function* chunks(...texts: string[]): AsyncGenerator<ReadText> {
    for (const text of texts) yield { text, at: 0 }
  }

  it('cuts at blank lines, also at lines of spaces, and keeps no empty part, however it comes', async () => {
    for (const texts of [[whole], [...whole], [whole.slice(0, 11), whole.slice(11)]])
      expect(await textsOf(splitSamples(chunks(...texts), 'x'))).toEqual(['one\ntwo', 'three', 'four'])
  })

  it('finds nothing in a document of spaces', async () => {
    expect(await textsOf(splitSamples(chunks(' \n\n '), 'x'))).toEqual([])
  })
})
