import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type TextCuts, textCuts } from '../../../../src/engine/calibration/textCuts'
import { textPieces } from '../../../../src/engine/calibration/textPieces'
import type { ReadText } from '../../../../src/engine/calibration/texts'
import { ModelTokenizer } from '../../../../src/engine/calibration/tokenizer'
import { readTokenizerSource } from '../../../../src/engine/calibration/tokenizerFiles'
import { seededRandom } from '../../../../src/engine/numerics/random'
import { sampleModel, sampleText } from '../../../helpers/paths'

const sample = JSON.parse(readFileSync(join(sampleModel, 'tokenizer.json'), 'utf8'))

const regex = (Regex: string, behavior = 'Isolated', invert = false) => ({
  type: 'Split',
  pattern: { Regex },
  behavior,
  invert
})
const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false }
const sequence = (...pretokenizers: object[]) => ({ pre_tokenizer: { type: 'Sequence', pretokenizers } })
const normalizers = (...list: object[]) => ({ normalizer: { type: 'Sequence', normalizers: list } })
const MARK = '\u2581'
const toMark = { type: 'Replace', pattern: { String: ' ' }, content: MARK }
const added = (content: string, flags: object = {}) => ({
  added_tokens: [
    ...sample.added_tokens,
    { id: 5000, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: false, ...flags }
  ]
})

/** A model of pieces of words, as those of SentencePiece: `▁` begins a word. */
const words = ['\u2581the', 'the', 'th', 'he', '\u2581t', `${MARK}${MARK}`, 'er', 'in', `${MARK}i`, `${MARK}in`]
const letters = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,!\n', MARK]
const spModel = (extra: readonly string[] = []) => {
  const tokens = [
    '<unk>',
    ...Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`)
  ]
  const vocab = Object.fromEntries([...tokens, ...letters, ...words, ...extra].map((token, id) => [token, id]))
  const merges = [
    't h',
    'h e',
    'th e',
    `${MARK} t`,
    `${MARK} the`,
    `${MARK}t he`,
    'e r',
    'i n',
    `${MARK} i`,
    `${MARK}i n`,
    `${MARK} in`
  ]
  merges.push(`${MARK} ${MARK}`, ...extra.map((token) => `${token.slice(0, 1)} ${token.slice(1)}`))
  return {
    model: { type: 'BPE', unk_token: '<unk>', fuse_unk: true, byte_fallback: true, vocab, merges },
    added_tokens: [],
    pre_tokenizer: null,
    decoder: null,
    post_processor: null
  }
}

const GPT4 = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
const POSSESSIVE = String.raw`'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s`
const CASED = String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`

/** Changes of the sample's tokenizer.json, and where its texts may be cut. */
const CUT: readonly (readonly [string, object, string])[] = [
  ['as it is', {}, ' \n'],
  ['the pattern of LLaMA 3', sequence(regex(GPT4), bytes), ' \n'],
  ['the same, kept instead of split', sequence(regex(GPT4, 'Removed', true), bytes), ' \n'],
  ['possessive quantifiers', sequence(regex(POSSESSIVE), bytes), ' \n'],
  ['capitals apart', sequence(regex(CASED), bytes), ' \n'],
  [
    'line ends, words and digits, one after the other',
    sequence(
      regex(String.raw`[\r\n]`),
      regex(String.raw`\s?\p{L}+`),
      regex(String.raw`\s+$`),
      { type: 'Digits', individual_digits: true },
      bytes
    ),
    ' \n'
  ],
  ['a prefix', { pre_tokenizer: { ...bytes, add_prefix_space: true, use_regex: true } }, ' '],
  ['NFC', { normalizer: { type: 'NFC' } }, ' \n'],
  ['lower case', normalizers({ type: 'NFKC' }, { type: 'Lowercase' }), ' '],
  ['blanks as tokens', added('  '), ' \n'],
  ['a token that takes blanks before it', added('<m>', { lstrip: true }), ' \n'],
  ['a token of two words', added('one two'), '\n'],
  ['a single word that begins with a blank', added(' x', { single_word: true }), '\n'],
  [
    'words of SentencePiece, put in by the normalizer',
    { ...spModel(), ...normalizers({ type: 'Prepend', prepend: MARK }, toMark) },
    ' '
  ],
  [
    'words of SentencePiece, the whole text in one',
    {
      ...spModel(),
      ...normalizers(toMark),
      pre_tokenizer: { type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithPrevious', invert: false }
    },
    ' \n'
  ],
  [
    'Metaspace',
    { ...spModel(), pre_tokenizer: { type: 'Metaspace', replacement: MARK, prepend_scheme: 'always', split: true } },
    ' '
  ],
  [
    'Metaspace at the first word alone',
    { ...spModel(), pre_tokenizer: { type: 'Metaspace', replacement: MARK, prepend_scheme: 'first', split: false } },
    ' '
  ],
  ['words between blanks', { ...spModel(), pre_tokenizer: { type: 'WhitespaceSplit' } }, ' \n']
]

/** Changes with which no place is safe, and what is said. */
const UNCUT: readonly (readonly [string, object, RegExp])[] = [
  ['a regular expression over blanks', sequence(regex(String.raw`\p{L}+ \p{L}+|\s+`), bytes), /blanks and line ends/],
  ['one that looks behind', sequence(regex(String.raw`(?<=\s)\p{L}+|.`), bytes), /regular expression/],
  ['one that asks for the beginning of a word', sequence(regex(String.raw`\b\p{L}+|.`), bytes), /regular expression/],
  ['one that asks for the end of a text', sequence(regex(String.raw`\p{L}+$|.`), bytes), /regular expression/],
  ['one that looks for a blank', sequence(regex(String.raw`\p{L}(?=\s)|.`), bytes), /regular expression/],
  ['one that does not part words', sequence(regex(String.raw`\p{N}+`), bytes), /blanks and line ends/],
  ['writings', sequence({ type: 'UnicodeScripts' }, bytes), /UnicodeScripts/],
  ['blanks taken off the ends', normalizers({ type: 'Strip', strip_left: true, strip_right: true }), /Strip/],
  [
    'a normalizer by a regular expression',
    normalizers({ type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' }),
    /regular expression/
  ],
  ['a token that takes blanks behind it', added('end', { rstrip: true }), /added token end/],
  ['tokens of several words', added('one two\nthree'), /added tokens reach over blanks/],
  ['a word of SentencePiece over a blank', { ...spModel([`r${MARK}`]), ...normalizers(toMark) }, /token "r\u2581"/],
  [
    'something else put first',
    { ...spModel(), ...normalizers({ type: 'Prepend', prepend: 'x' }, toMark) },
    /puts "x" first/
  ]
]

function modelWith(changes: object): string {
  const directory = mkdtempSync(join(tmpdir(), 'quail-cuts-'))
  writeFileSync(join(directory, 'tokenizer.json'), JSON.stringify({ ...sample, ...changes }))
  return directory
}

/** Text of whatever is awkward beside words. */
function awkward(random: () => number): string {
  const pieces = [
    ...'aZ\u00e9\u0416\u4e2d\uac00 \n\t.,!\'"12',
    '  ',
    ' \n',
    "'s",
    "'LL",
    '<m>',
    'one two',
    'the',
    ' in',
    '\u0301',
    '\u{1f600}',
    'end',
    ' x',
    MARK,
    '\u00a0',
    '</s>'
  ]
  return Array.from({ length: 60 }, () => pieces[Math.floor(random() * pieces.length)]).join('')
}

describe('a text is cut only where its pieces give the tokens of the whole', () => {
  it.each(CUT)('%s', async (_, changes, separators) => {
    const directory = modelWith(changes)
    const cuts = textCuts(await readTokenizerSource(directory)) as TextCuts
    expect(cuts).not.toHaveProperty('reason')
    expect(cuts.separators.join('')).toBe(separators)
    const tokenizer = await ModelTokenizer.open(directory)
    const encode = async (text: string) => [...(await tokenizer.encode(text, { specialTokens: false }))]
    const random = seededRandom('cuts')
    const place = new RegExp(`[${cuts.letters}][${separators}](?=[${cuts.letters}])`, 'gu')
    let tried = 0
    for (let texts = 0; texts < 120; texts++) {
      const text = awkward(random)
      const whole = await encode(text)
      for (const { index } of text.matchAll(place)) {
        const parts = [text.slice(0, index + 1), text.slice(index + (cuts.dropped ? 2 : 1))]
        expect([...(await encode(parts[0] as string)), ...(await encode(parts[1] as string))]).toEqual(whole)
        tried++
      }
    }
    expect(tried).toBeGreaterThan(20)
  })

  it.each(UNCUT)('and not at all, with the reason: %s', async (_, changes, reason) => {
    expect(textCuts(await readTokenizerSource(modelWith(changes)))).toEqual({ reason: expect.stringMatching(reason) })
  })
})

describe('pieces of a text', async () => {
  async function* chunks(text: string, size: number): AsyncGenerator<ReadText> {
    for (let at = 0; at < text.length; at += size) yield { text: text.slice(at, at + size), at }
  }
  const text = readFileSync(sampleText('moby-evaluation.txt'), 'utf8')
  const tokenizer = await ModelTokenizer.open(sampleModel)
  const piecesOf = async (whole: string, chunk: number, size: number) => {
    const pieces: string[] = []
    for await (const { text: piece } of textPieces(chunks(whole, chunk), tokenizer.cuts, 'a.txt', size))
      pieces.push(piece)
    return pieces
  }

  it('are about as long as asked, however the text comes, and give its tokens', async () => {
    const [pieces, others] = [await piecesOf(text, 999, 5000), await piecesOf(text, 100_000, 5000)]
    expect(pieces).toEqual(others)
    expect(pieces.join('')).toBe(text)
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(10_000)
    const ids = await Promise.all(pieces.map((piece) => tokenizer.encode(piece, { specialTokens: false })))
    expect(ids.flatMap((part) => [...part])).toEqual([...(await tokenizer.encode(text, { specialTokens: false }))])
  })

  it('go on over a stretch that cannot be cut, and end where that is too long', async () => {
    const stretch = '1'.repeat(12_000)
    expect((await piecesOf(`one two${stretch}three four five`, 500, 100)).map(({ length }) => length)).toContain(12_009)
    await expect(piecesOf('1'.repeat(2 ** 25 + 1), 2 ** 20, 100)).rejects.toThrow(
      /^a\.txt has 33554432 characters without/
    )
  })
})
