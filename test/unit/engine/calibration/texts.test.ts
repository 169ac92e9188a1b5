import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { type ReadText, readTexts, splitSamples, wholeSamples } from '../../../../src/engine/calibration/texts'
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
  if (text.kind !== 'text') return textsOf(wholeSamples(readTexts(text, directory)))
  return [(await textsOf(readTexts(text, directory))).join('')]
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

  /** Longer than what is read of a line at a time, with something that escapes at every place where a piece may end. */
  const long = 'Où? 鯨 🐋 "\\" \n'.repeat(200_000)

  it.each([
    ['before and behind others', (text: string) => `{"a":[{"text":"no"},"]"],"text":${text},"b":{"text":null}}`],
    ['by a key with escapes', (text: string) => `{"te\\u0078t":${text.replaceAll('鯨', '\\u9be8')} }`],
    ['behind its name as a value', (text: string) => `{"k":"text","v":"{\\"text\\":1","text" : ${text}}`]
  ])('reads a long line a piece at a time: %s', async (_, line) => {
    const content = `{"text":"a"}\n${line(JSON.stringify(long))}\n{"text":"b"}`
    expect((await given(content, 'samples')).map((text) => text === long || text)).toEqual(['a', true, 'b'])
    const pieces = await textsOf(
      readTexts({ name: 'x', path: 'given.txt', kind: 'samples', bytes: 0, sha256: '' }, folder)
    )
    expect(pieces.length).toBeGreaterThan(4)
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(2 ** 21)
  })

  const words = 'word '.repeat(2 ** 19)
  it.each(['b', words])('reads a text beside numbers that Python writes and JSON does not have, %#', async (text) => {
    const content = `{"text":"a","x":NaN}\n{"x":[-Infinity],"text":"${text}"}`
    expect((await given(content, 'samples')).map((one) => one === text || one)).toEqual(['a', true])
  })

  it.each([
    [`{"text":"${words}`, /line 1: not JSON/],
    [`{"text":"${words}\t"}`, /line 1: not JSON/],
    [`{"text":"${words}" "b"}`, /line 1: not JSON/],
    [`["text",":","${words}"]`, /line 1: an object with a string "text"/],
    [`{"text":"${words}","text":"b"}`, /line 1: "text" stands there twice/],
    [`{"texts":"${words}"}`, /line 1: an object with a string "text"/],
    [`{"text":"${' '.repeat(2 ** 21)}"}`, /line 1: "text" is empty/]
  ])('refuses a long line that is none, %#', async (content, message) => {
    await expect(given(content, 'samples')).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringMatching(message)
    })
  })

  it.each([
    ['{"text":"a"}\n{"text":', /line 2: not JSON/],
    ['{"text":"a"}\n\n{"txt":"b"}', /line 3: an object with a string "text"/],
    ['"text"', /line 1: an object with a string "text"/],
    ['{"text":7}', /line 1: an object with a string "text"/],
    ['{"messages":[]}', /line 1: an object with a string "text" is needed; conversations .* are imported/],
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
