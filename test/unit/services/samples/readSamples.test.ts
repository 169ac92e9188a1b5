import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { splitText } from '../../../../src/services/samples/plainText'
import { readSampleFile } from '../../../../src/services/samples/readSamples'
import type { Split } from '../../../../src/shared/samples'
import { ABOUT_POINTER, lfsPointer } from '../../../helpers/lfsPointer'

const directory = mkdtempSync(join(tmpdir(), 'quail-samples-'))

function file(name: string, content: string | Uint8Array): string {
  const path = join(directory, name)
  writeFileSync(path, content)
  return path
}

it.each(['txt', 'jsonl', 'json', 'csv', 'tsv', 'parquet'])('a Git LFS pointer is called so: .%s', async (extension) => {
  const pointer = file(`pointer.${extension}`, lfsPointer())
  await expect(readSampleFile(pointer)).rejects.toThrow(`${pointer} ${ABOUT_POINTER}`)
})

describe('plain text', () => {
  const text = 'one\r\ntwo\n\n  \nthree\n \nfour\n'
  async function parts(pieces: Iterable<string>, split: Split, size?: number): Promise<string[]> {
    async function* given() {
      yield* pieces
    }
    const found: string[] = []
    for await (const part of splitText(given(), split, 'a.txt', size)) found.push(part)
    return found
  }

  it.each([
    ['as a whole', [text]],
    ['a letter at a time', [...text]]
  ])('is one document, cut by blank lines, or cut by lines: %s', async (_, pieces) => {
    expect(await parts(pieces, 'document')).toEqual(['one\ntwo\n\n  \nthree\n \nfour\n'])
    expect(await parts(pieces, 'paragraph')).toEqual(['one\ntwo', 'three', 'four'])
    expect(await parts(pieces, 'line')).toEqual(['one', 'two', 'three', 'four'])
  })

  it('gives no samples when it is blank', async () => {
    expect(await parts([' \n\n\t'], 'document')).toEqual([])
  })

  it('is kept in parts where it is long, which are the document again with blank lines between them', async () => {
    const long = `\n\n${Array.from({ length: 200 }, (_, i) => `word ${i}\n\n${'\n'.repeat(i % 5)}`).join('')} \n\n\n`
    for (const length of [1, 7, 64, 5000]) {
      const pieces = Array.from({ length: Math.ceil(long.length / length) }, (_, i) =>
        long.slice(i * length, (i + 1) * length)
      )
      const found = await parts(pieces, 'document', 100)
      expect(found.join('\n\n')).toBe(long)
      expect(found.every((part) => part.trim() !== '')).toBe(true)
      if (length < 100) expect(found.length).toBeGreaterThan(8)
    }
    await expect(parts(Array(70).fill('a'.repeat(2 ** 20)), 'document')).rejects.toThrow(
      /^a\.txt has \d+ characters without a blank line/
    )
    await expect(parts(Array(70).fill('a'.repeat(2 ** 20)), 'line')).rejects.toThrow(/^a\.txt: a line is longer than/)
  })
})

describe('JSON lines', () => {
  it('give their texts, and a reason for each row that has none', async () => {
    const lines = [
      '{"text":"a","x":1}',
      '',
      'oops',
      '[1]',
      '{"body":"b"}',
      '{"text":5}',
      '{"text":"  "}',
      '{"text":"z"}'
    ]
    expect(await readSampleFile(file('rows.jsonl', lines.join('\n')))).toMatchObject({
      samples: ['a', 'z'],
      badRows: [
        { row: 3, reason: 'not JSON: it has "o" where a value was expected (character 0)' },
        { row: 4, reason: 'not a JSON object' },
        { row: 5, reason: 'no "text"; its keys are body' },
        { row: 6, reason: '"text" is not a string' },
        { row: 7, reason: '"text" is empty' }
      ]
    })
  })
})

describe('numbers that Python writes and JSON does not have', () => {
  it.each(['rows.jsonl', 'rows.json'])('spoil a row only in a column that is used: %s', async (name) => {
    const rows = ['{"text":"a","score":NaN}', '{"text":-Infinity}', '{"text":"b","more":{"x":[1,Infinity]}}']
    const content = name.endsWith('l') ? rows.join('\n') : `[${rows.join(',')}]`
    expect(await readSampleFile(file(name, content))).toMatchObject({
      samples: ['a', 'b'],
      badRows: [{ row: 2, reason: '"text" holds -Infinity, which JSON does not have' }]
    })
  })
})

describe('a file of samples', () => {
  it('is read with its hash', async () => {
    const read = await readSampleFile(file('a.txt', 'abc'))
    // SHA-256 of "abc", FIPS 180-2 example B.1.
    expect(read.sha256).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    expect(read).toMatchObject({ name: 'a.txt', bytes: 3, split: 'document', samples: ['abc'], badRows: [] })
  })

  it('drops a byte order mark', async () => {
    expect((await readSampleFile(file('bom.txt', '\ufeffabc'))).samples).toEqual(['abc'])
  })

  it.each([
    ['missing.txt', undefined, /missing\.txt does not exist; a \.txt, .* or \.parquet file is needed$/],
    ['empty.txt', '', /empty\.txt is empty; /],
    [
      'packed.jsonl',
      Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 4),
      /packed\.jsonl is packed by zstd, not a text; unpack it$/
    ],
    ['sheet.xlsx', 'PK\x03\x04\0\0', /sheet\.xlsx is a workbook; save its sheet as CSV$/],
    ['paper.txt', '%PDF-1.7\n\0', /paper\.txt is a PDF; save its text as plain text$/],
    ['rows.arrow', Uint8Array.of(255, 255, 255, 255, 8, 1), /rows\.arrow is a table of Arrow; write it as Parquet /],
    ['rows.zip', 'PK\x03\x04\0\0', /rows\.zip is packed by zip, not a text; unpack it$/],
    ['nul.txt', 'a\0b', /nul\.txt is not a text file: byte 1 is zero; /],
    ['latin.txt', Uint8Array.of(0x63, 0x61, 0x66, 0xe9), /latin\.txt is not valid UTF-8; save it as UTF-8$/],
    [
      'bad.jsonl',
      '{"body":1}\n',
      /bad\.jsonl holds no usable row: row 1: no messages, .* or conversation; its keys are body; /
    ],
    ['none.jsonl', '{"text":null}\n', /holds no usable row: row 1: no "text"; its keys are text; "text" is needed$/],
    [
      'odd.jsonl',
      '{"messages":[{"role":"user","content":{"a":1}}]}\n',
      /row 1: turn 1 of "messages" has an object with 1 key for content; a text or a list of parts is needed$/
    ]
  ])('is refused in one sentence: %s', async (name, content, expected) => {
    const path = content === undefined ? join(directory, name) : file(name, content)
    await expect(readSampleFile(path)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringMatching(expected)
    })
  })

  it('is refused when JSON lines are to be cut by paragraphs', async () => {
    await expect(readSampleFile(file('x.jsonl', '{"text":"a"}'), { split: 'paragraph' })).rejects.toThrow(
      /is cut by its rows/
    )
  })
})
