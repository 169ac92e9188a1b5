import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { ModelTokenizer } from '../../../../src/engine/calibration/tokenizer'
import { sampleModel, sampleText } from '../../../helpers/paths'

const folder = mkdtempSync(join(tmpdir(), 'quail-tokenizer-'))
afterAll(() => rmSync(folder, { recursive: true }))

const sample = JSON.parse(readFileSync(join(sampleModel, 'tokenizer.json'), 'utf8'))
let count = 0
function directoryWith(files: Record<string, unknown>): string {
  const directory = join(folder, String(count++))
  mkdirSync(directory)
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), JSON.stringify(content))
  return directory
}
const openWith = (changes: Record<string, unknown>, config: unknown = {}): Promise<ModelTokenizer> =>
  ModelTokenizer.open(directoryWith({ 'tokenizer.json': { ...sample, ...changes }, 'tokenizer_config.json': config }))

const plain = { specialTokens: false }
const idsOf = async (tokenizer: ModelTokenizer, text: string, specialTokens = false) => [
  ...(await tokenizer.encode(text, { specialTokens }))
]

describe('the tokenizer of the sample model', async () => {
  const tokenizer = await ModelTokenizer.open(sampleModel)

  // Number of ids and SHA-256 of the ids as little-endian int32, from transformers 5.23 (AutoTokenizer).
  it.each([
    ['sotu-calibration.txt', 351398, '70abf09e5bbc3c194ce297de59d392237965cfbb347c64b6796bb91e420a4b6a'],
    ['sotu-evaluation.txt', 298484, '8dce77c00d9780e2f0b337d88687fcaaae9cfd73d9075f70504851f8b3f8b10d'],
    ['moby-evaluation.txt', 40813, 'eba31be6e54a67748035245076668cec76df41719c011903dbe90de032b4d323'],
    ['moby-calibration.txt', 165575, '3f7280f3de4d7949cc97eafdadd338c78d779a92153144372601389193dfd8f0']
  ] as const)('gives the ids of transformers for %s', async (name, length, digest) => {
    const ids = await tokenizer.encode(readFileSync(sampleText(name), 'utf8'), plain)
    expect(ids.length).toBe(length)
    expect(createHash('sha256').update(new Uint8Array(ids.buffer)).digest('hex')).toBe(digest)
  })

  // From transformers 5.23 as well.
  it.each([
    ['The State of the Union', [2767, 941, 270, 262, 1200]],
    ['a\ufeffb \ufeff c\u0085d \u0085 e', '67 174 122 126 68 223 174 122 126 275 129 230 70 223 129 230 303'],
    ['one\n\n\n two  three\t\tfour', [630, 201, 201, 201, 833, 223, 1375, 200, 200, 72, 468]],
    ['café 😀 漢字', '69 67 72 130 105 223 175 256 249 225 223 165 123 98 164 258 248'],
    ['<s> hello</s> world', [1, 428, 308, 81, 2, 746]]
  ])('gives the ids of transformers for %j', async (text, expected) => {
    const ids = typeof expected === 'string' ? expected.split(' ').map(Number) : expected
    expect(await idsOf(tokenizer, text)).toEqual(ids)
    expect(await tokenizer.decode(ids)).toBe(text)
  })

  it('knows its size and its padding token, and describes itself', () => {
    expect(tokenizer.vocabularySize).toBe(4096)
    expect(tokenizer.padId).toBe(0)
    expect(tokenizer.describe()).toBe('BPE, 4096 tokens')
  })

  it('takes the empty text for no tokens', async () => {
    expect(await idsOf(tokenizer, '')).toEqual([])
    expect(await tokenizer.decode([])).toBe('')
  })
})

describe('byte-level words', () => {
  it('hold U+FEFF and end at U+0085, as in Unicode and unlike \\s in JavaScript', async () => {
    const vocab = { ...sample.model.vocab, '!ï': 4096, '!Â': 4097 }
    const merges = [['!', 'ï'], ['!', 'Â'], ...sample.model.merges]
    const tokenizer = await openWith({ model: { ...sample.model, vocab, merges } })
    // Ids from tokenizers 0.23 for the same definition.
    expect(await idsOf(tokenizer, '!\ufeff !\u0085')).toEqual([4096, 122, 126, 223, 3, 129, 230])
  })
})

describe('digits', () => {
  it('are numbers of every script, fractions and Roman ones too', async () => {
    const vocab = { ...sample.model.vocab, ĠÂ: 4096 }
    const model = { ...sample.model, vocab, merges: [['Ġ', 'Â'], ...sample.model.merges] }
    const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }
    const pretokenizers = [{ type: 'Digits', individual_digits: true }, bytes]
    const tokenizer = await openWith({ model, pre_tokenizer: { type: 'Sequence', pretokenizers } })
    // Ids from tokenizers 0.23 for the same definition; in one piece ` ½` would hold token 4096.
    expect(await idsOf(tokenizer, 'a ½')).toEqual([67, 223, 129, 124])
    expect(await idsOf(tokenizer, '\n\n½')).toEqual([201, 201, 129, 124])
    expect(await idsOf(tokenizer, '٣٤ 12')).toEqual([152, 99, 152, 100, 223, 19, 20])
  })
})

describe('special tokens that do not stand in tokenizer.json', () => {
  const text = '<|im_start|>the<|im_end|> <s>'
  const opened = (files: Record<string, unknown>) =>
    ModelTokenizer.open(directoryWith({ 'tokenizer.json': sample, ...files }))
  const options = { lstrip: false, rstrip: false, normalized: false, single_word: false, special: true }
  const added_tokens_decoder = {
    4096: { content: '<|im_start|>', ...options },
    4097: { content: '<|im_end|>', ...options }
  }
  const start = [30, 94, 327, 65, 298, 417, 94, 32]
  const end = [30, 94, 327, 65, 374, 94, 32]

  // Ids from transformers 5.23 (AutoTokenizer) for the same files.
  it.each<[string, Record<string, unknown>, number[]]>([
    ['no file', {}, [...start, 725, ...end, 223, 1]],
    ['added_tokens_decoder', { 'tokenizer_config.json': { added_tokens_decoder } }, [4096, 725, 4097, 223, 1]],
    [
      'names and a list',
      { 'tokenizer_config.json': { eos_token: '<|im_end|>', additional_special_tokens: ['<|im_start|>'] } },
      [4097, 725, 4096, 223, 1]
    ],
    [
      'added_tokens.json',
      { 'added_tokens.json': { '<|im_end|>': 4097, '<|im_start|>': 4096 } },
      [4096, 725, 4097, 223, 1]
    ],
    [
      'special_tokens_map.json',
      { 'special_tokens_map.json': { eos_token: '<|im_end|>' } },
      [...start, 725, 4096, 223, 1]
    ],
    [
      'split_special_tokens, which takes them for text',
      { 'tokenizer_config.json': { split_special_tokens: true, added_tokens_decoder } },
      [...start, 725, ...end, 223, 30, 85, 32]
    ]
  ])('are taken from %s', async (_, files, ids) => {
    expect(await idsOf(await opened(files), text)).toEqual(ids)
  })

  it('count as special tokens of the model, for the hash, and as text for people', async () => {
    const tokenizer = await opened({ 'tokenizer_config.json': { added_tokens_decoder, eos_token: '<|im_end|>' } })
    expect(tokenizer.facts.eos).toEqual({ text: '<|im_end|>', id: 4097 })
    expect(tokenizer.facts.specialTokens.slice(-2)).toEqual([
      { text: '<|im_start|>', id: 4096 },
      { text: '<|im_end|>', id: 4097 }
    ])
    expect(tokenizer.vocabularySize).toBe(4098)
    expect(await tokenizer.decode([4096, 725, 4097])).toBe('<|im_start|>the<|im_end|>')
    expect((await opened({})).sha256).not.toBe(tokenizer.sha256)
  })

  it('with another id than they get are refused', async () => {
    const wrong = { added_tokens_decoder: { 5000: { content: '<q>', ...options } } }
    await expect(opened({ 'tokenizer_config.json': wrong })).rejects.toThrow(
      /added_tokens_decoder gives "<q>" the id 5000, by the vocabulary it is 4096/
    )
  })

  it('that overlap others cannot be taken for text', async () => {
    const decoder = { 4096: { content: '<|x|>', ...options }, 4097: { content: '|>', ...options, special: false } }
    const config = { split_special_tokens: true, added_tokens_decoder: decoder }
    await expect(opened({ 'tokenizer_config.json': config })).rejects.toThrow(
      /split_special_tokens is not supported with the added token "\|>", which may overlap the special token "<\|x\|>"/
    )
  })
})

describe('a tokenizer.json that AutoTokenizer of transformers 5 does not execute', () => {
  const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }
  const digits = { type: 'Sequence', pretokenizers: [{ type: 'Digits', individual_digits: true }, bytes] }
  const vocab = { ...sample.model.vocab, Ġ1: 4096 }
  const model = { ...sample.model, vocab, merges: [['Ġ', '1'], ...sample.model.merges] }
  const opened = (tokenizer_class: string, model_type: string) =>
    ModelTokenizer.open(
      directoryWith({
        'tokenizer.json': { ...sample, model, pre_tokenizer: digits },
        'tokenizer_config.json': { tokenizer_class },
        'config.json': { model_type }
      })
    )

  // test/conformance/test_tokenizers.py compares many classes with transformers.
  it('is named with a text that shows it', async () => {
    const { facts } = await opened('GPT2Tokenizer', 'llama')
    expect(facts.rebuilt).toEqual({ className: 'GPT2Tokenizer', text: '12345 67' })
    expect((await opened('PreTrainedTokenizerFast', 'qwen2')).facts.rebuilt?.className).toBe('Qwen2Tokenizer')
  })

  it('is not one whose class is that of the library, or makes the same tokens', async () => {
    expect((await opened('PreTrainedTokenizerFast', 'llama')).facts.rebuilt).toBeUndefined()
    expect((await opened('LlamaTokenizerFast', 'llama')).facts.rebuilt).toBeUndefined()
    expect((await openWith({}, { tokenizer_class: 'GPT2Tokenizer' })).facts.rebuilt).toBeUndefined()
  })

  it.each(['mistral', 'mistral3'])(
    'or into which it puts another regular expression is refused: %s',
    async (model_type) => {
      const many = Object.fromEntries(Array.from({ length: 100_001 }, (_, i) => [`t${i}`, i]))
      const files = (transformers_version: string) => ({
        'tokenizer.json': { ...sample, added_tokens: [], model: { ...sample.model, vocab: many, merges: [] } },
        'tokenizer_config.json': { fix_mistral_regex: true },
        'config.json': { model_type, transformers_version }
      })
      await expect(ModelTokenizer.open(directoryWith(files('4.57.1')))).rejects.toThrow(
        /fix_mistral_regex .* not supported/
      )
      expect((await ModelTokenizer.open(directoryWith(files('5.0.0')))).vocabularySize).toBe(100_001)
    }
  )
})

describe('special tokens', () => {
  const post_processor = {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [],
    special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } }
  }

  it('are added as the post-processor says, and only when asked for', async () => {
    const tokenizer = await openWith({ post_processor })
    expect(await idsOf(tokenizer, 'The State', true)).toEqual([1, 2767, 941])
    expect(await idsOf(tokenizer, 'The State')).toEqual([2767, 941])
  })

  it('name the padding token as text or object, or not at all', async () => {
    expect((await openWith({}, { pad_token: '</s>' })).padId).toBe(2)
    expect((await openWith({}, { pad_token: { content: '<s>', special: true } })).padId).toBe(1)
    expect((await openWith({})).padId).toBeUndefined()
  })
})

describe('a directory that cannot be used', () => {
  const refused = (directory: string, message: RegExp) =>
    expect(ModelTokenizer.open(directory)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringMatching(message)
    })

  it('without tokenizer.json says what lies there instead and how to make one', async () => {
    await refused(directoryWith({}), /has no tokenizer\.json, and no file of any tokenizer; make one with transformers/)
    for (const name of ['tiktoken.model', 'hy.tiktoken']) {
      const said = new RegExp(`has no tokenizer\\.json, but ${name}, which only code of its own repository reads`)
      await refused(directoryWith({ [name]: 'IQ== 0' }), said)
    }
    await refused(
      directoryWith({ 'vocab.json': {} }),
      /no tokenizer\.json, but vocab\.json; make one with transformers/
    )
    const sentencePiece = directoryWith({ 'tokenizer.model': '' })
    const place = sentencePiece.replaceAll('\\', '/')
    const command =
      `python -c "from transformers import AutoTokenizer; ` +
      `AutoTokenizer.from_pretrained('${place}', use_fast=True).save_pretrained('${place}')"`
    await expect(ModelTokenizer.open(sentencePiece)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining(`no tokenizer.json, but tokenizer.model; make one with transformers: ${command}`)
    })
    await refused(join(folder, 'nowhere'), /no tokenizer\.json/)
  })

  it('with a damaged or foreign tokenizer.json is named', async () => {
    const damaged = directoryWith({})
    copyFileSync(sampleText('moby-evaluation.txt'), join(damaged, 'tokenizer.json'))
    await refused(damaged, /tokenizer\.json is not a JSON object/)
    await refused(directoryWith({ 'tokenizer.json': { vocab: {} } }), /"model" or "added_tokens" is missing/)
  })

  it('with a tokenizer.json that is far too large is refused before it is read', async () => {
    const huge = directoryWith({ 'tokenizer.json': {} })
    truncateSync(join(huge, 'tokenizer.json'), 2 ** 40) // a hole: it takes no space
    await expect(ModelTokenizer.open(huge)).rejects.toThrow(
      /tokenizer\.json has 1099511627776 bytes; at most 268435456/
    )
  })

  it.each<[string, object, RegExp]>([
    ['a token that is none', { vocab: [[null, 0]] }, /vocab holds \[null,0\], a token with its score was expected/],
    ['a huge id', { vocab: { a: 2 ** 32 } }, /vocab holds \["a",4294967296\], a token with its id was expected/],
    ['no vocabulary', { vocab: 3 }, /vocab is 3, the tokens of the model were expected/],
    ['a merge of one', { merges: [['a']] }, /merges holds \["a"\], a pair of tokens was expected/],
    ['merges that are no list', { merges: {} }, /merges is \{\}, a list was expected/]
  ])('with %s names it', async (_, changes, message) => {
    const model = { ...sample.model, ...changes }
    await refused(directoryWith({ 'tokenizer.json': { ...sample, model } }), message)
  })

  it('with an added token without content names it', async () => {
    const definition = { ...sample, added_tokens: [{ id: 0 }] }
    await refused(
      directoryWith({ 'tokenizer.json': definition }),
      /added_tokens holds \{"id":0\}, a token with content/
    )
  })

  // The library ends the process over the first text otherwise; Python's raises a PanicException.
  it.each([
    ['   ', { type: 'Strip', strip_left: true, strip_right: true }],
    ['\u0301', { type: 'StripAccents' }],
    ['eee', { type: 'Replace', pattern: { String: 'e' }, content: '' }]
  ])('with an added token of which the normalizer leaves nothing names it: %j', async (content, normalizer) => {
    const added = { single_word: false, lstrip: false, rstrip: false, special: false, normalized: true }
    const tokens = [...sample.added_tokens, { id: 4096, content, ...added }]
    const message = /the normalizer leaves nothing of the added token ".*", which is looked for in the normalized text/
    await refused(directoryWith({ 'tokenizer.json': { ...sample, normalizer, added_tokens: tokens } }), message)
    const whole = [...sample.added_tokens, { id: 4096, content, ...added, normalized: false }]
    const opened = await ModelTokenizer.open(
      directoryWith({ 'tokenizer.json': { ...sample, normalizer, added_tokens: whole } })
    )
    expect([...(await opened.encode(content, { specialTokens: false }))]).toEqual([4096])
  })

  it('with a part that is not known names the part', async () => {
    const part = (changes: object) => directoryWith({ 'tokenizer.json': { ...sample, ...changes } })
    const sequence = {
      type: 'Sequence',
      pretokenizers: [{ type: 'Digits', individual_digits: true }, { type: 'Verses' }]
    }
    await refused(part({ pre_tokenizer: sequence }), /cannot be used: the pre_tokenizer Verses is not supported$/)
    const split = { type: 'Split', pattern: { Regex: '(a' }, behavior: 'Isolated', invert: false }
    await refused(
      part({ pre_tokenizer: split }),
      /the pre_tokenizer Split is not supported: Oniguruma error: end pattern/
    )
    await refused(part({ model: { type: 'Rhyme', vocab: {} } }), /the model Rhyme is not supported$/)
    await refused(part({ version: '9.9' }), /cannot be used: Unknown tokenizer version '9\.9'$/)
  })

  // Each of these would end the process: the library takes for granted that they do not occur.
  it.each<[string, Record<string, unknown>, RegExp]>([
    [
      'a text that doubles nine times',
      {
        normalizer: {
          type: 'Sequence',
          normalizers: Array(9).fill({ type: 'Replace', pattern: { String: 'a' }, content: 'aa' })
        }
      },
      /normalizer may make more than 256 characters of one/
    ],
    [
      'words of any length',
      { model: { ...sample.model, type: 'WordPiece', merges: undefined, max_input_chars_per_word: 1e9 } },
      /max_input_chars_per_word is 1000000000, at most 1000 is supported/
    ],
    [
      'a merge without result',
      { model: { ...sample.model, merges: [['z', 'z'.repeat(99)]] } },
      /merges holds .*, but vocab/
    ],
    [
      'a damaged table',
      { normalizer: { type: 'Precompiled', precompiled_charsmap: 'AAAA' } },
      /charsmap .* is damaged/
    ],
    [
      'a hidden damaged table',
      { normalizer: { type: 'Sequence', normalizers: [{ type: 'Precompiled', precompiled_charsmap: '////AAAA' }] } },
      /charsmap .* is damaged/
    ],
    [
      'an explosive expression',
      { pre_tokenizer: { type: 'Split', pattern: { Regex: '(a+)+$' }, behavior: 'Isolated', invert: false } },
      /the regular expression "\(a\+\)\+\$" is not supported: "\(a\+\)\+" can match one text in so many ways/
    ],
    ['merges left out at random', { model: { ...sample.model, dropout: 0.1 } }, /dropout is 0\.1/]
  ])('with %s is refused before the library sees it', async (_, changes, message) => {
    await refused(directoryWith({ 'tokenizer.json': { ...sample, ...changes } }), message)
  })

  it('nested beyond measure is named', async () => {
    const directory = directoryWith({})
    const nested = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
    const text = JSON.stringify({ ...sample, pre_tokenizer: 'DEEP' }).replace('"DEEP"', nested)
    writeFileSync(join(directory, 'tokenizer.json'), text)
    await refused(directory, /its parts are nested more than 128 deep/)
  })
})
