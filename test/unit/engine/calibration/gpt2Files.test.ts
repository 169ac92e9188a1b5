import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ModelTokenizer } from '../../../../src/engine/calibration/tokenizer'
import { findTokenizer } from '../../../../src/engine/calibration/tokenizerFiles'

const vocab = { a: 0, b: 1, c: 2, ab: 3, abc: 4, '</s>': 5, '<pad>': 6, '<|endoftext|>': 7 }
const merges = '#version: 0.2\na b\nab c\n'
const gpt2 = { 'vocab.json': vocab, 'merges.txt': merges, 'config.json': { model_type: 'gpt2' } }
const opt = { ...gpt2, 'config.json': { model_type: 'opt' } }

function directoryWith(files: Record<string, unknown>): string {
  const directory = mkdtempSync(join(tmpdir(), 'quail-gpt2-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(directory, name), typeof content === 'string' ? content : JSON.stringify(content))
  return directory
}
const openWith = (files: Record<string, unknown>) => ModelTokenizer.open(directoryWith(files))
const encode = async (tokenizer: ModelTokenizer, text: string) => [
  ...(await tokenizer.encode(text, { specialTokens: true }))
]
const withConfig = (config: unknown, others: Record<string, unknown> = {}) =>
  openWith({ ...gpt2, 'tokenizer_config.json': config, ...others })

describe('vocab.json and merges.txt', () => {
  it('make the tokenizer of GPT-2, without anything around a text', async () => {
    const tokenizer = await openWith(gpt2)
    expect(await encode(tokenizer, 'abcab<|endoftext|>a')).toEqual([4, 3, 7, 0])
    expect(tokenizer.describe()).toBe('BPE, 8 tokens')
    const endOfText = { text: '<|endoftext|>', id: 7 }
    expect(tokenizer.facts).toMatchObject({ before: [], after: [], bos: endOfText, eos: endOfText, pad: null })
  })

  it("make OPT's, with </s> before every text unless the configuration says otherwise", async () => {
    const tokenizer = await openWith(opt)
    expect(await encode(tokenizer, 'ab')).toEqual([5, 3])
    expect(tokenizer.padId).toBe(6)
    expect(await encode(await openWith({ ...opt, 'tokenizer_config.json': { add_bos_token: false } }), 'ab')).toEqual([
      3
    ])
  })

  it('may have line ends of Windows, and no version line', async () => {
    expect(await encode(await openWith({ ...gpt2, 'merges.txt': 'a b\r\nab c\r\n' }), 'abc')).toEqual([4])
  })

  it('are used only where there is no tokenizer.json', async () => {
    expect(await findTokenizer(directoryWith(gpt2))).toBe('vocab.json')
    expect(await findTokenizer(directoryWith({ ...gpt2, 'tokenizer.json': '' }))).toBe('tokenizer.json')
  })

  it('both count for the hash, and so do the special tokens', async () => {
    const { sha256 } = await openWith(gpt2)
    expect((await openWith(gpt2)).sha256).toBe(sha256)
    const others = [
      { ...gpt2, 'vocab.json': { ...vocab, d: 8 } },
      { ...gpt2, 'merges.txt': 'a b\n' },
      { ...gpt2, 'tokenizer_config.json': { add_bos_token: true } },
      opt
    ]
    const hashes = await Promise.all(others.map(async (files) => (await openWith(files)).sha256))
    expect(new Set([sha256, ...hashes]).size).toBe(5)
  })
})

// Ids and order are those of transformers 5.24 for the same files.
describe('special tokens beside vocab.json', () => {
  const specials = async (tokenizer: Promise<ModelTokenizer>) =>
    (await tokenizer).facts.specialTokens.map(({ text, id }) => `${text} ${id}`).join(', ')

  it('come from added_tokens_decoder alone where there is one', async () => {
    const decoder = { 8: { content: '<e>', special: true }, 9: { content: '<f>', special: false } }
    const config = { added_tokens_decoder: decoder, eos_token: '<f>', bos_token: '</s>', add_bos_token: true }
    const tokenizer = withConfig(config, {
      'special_tokens_map.json': { bos_token: '<z>' },
      'added_tokens.json': { g: 10 }
    })
    expect(await specials(tokenizer)).toBe('</s> 5, <|endoftext|> 7, <e> 8, <f> 9')
    expect(await encode(await tokenizer, 'a<f>b<z>')).toEqual([5, 0, 9, 1])
  })

  it('come from special_tokens_map.json before tokenizer_config.json, with added_tokens.json', async () => {
    const eos = { content: '</s>', lstrip: false, normalized: true, rstrip: false, single_word: false }
    const tokenizer = withConfig(
      { eos_token: '<e>', add_eos_token: true },
      { 'special_tokens_map.json': { eos_token: eos, pad_token: '<pad>' }, 'added_tokens.json': { word: 8 } }
    )
    expect(await specials(tokenizer)).toBe('</s> 5, <pad> 6, <|endoftext|> 7')
    expect(await encode(await tokenizer, 'awordb')).toEqual([0, 8, 1, 5])
    expect((await tokenizer).padId).toBe(6)
  })

  it('get the next ids where the vocabulary has none for them: first roles, then the others', async () => {
    const config = {
      bos_token: null,
      add_bos_token: true,
      image_token: '<img>',
      extra_special_tokens: ['<q>'],
      additional_special_tokens: ['<r>'],
      mask_token: { __type: 'AddedToken', content: '<mask>', lstrip: true }
    }
    expect(await specials(withConfig(config))).toBe('<|endoftext|> 7, <mask> 8, <img> 9, <q> 10')
    expect(await encode(await withConfig(config), 'a <mask>')).toEqual([0, 8])
    const roles = { extra_special_tokens: { boi: '<boi>' } }
    expect(await specials(withConfig(roles))).toBe('<|endoftext|> 7, <boi> 8')
    const none = { extra_special_tokens: [], additional_special_tokens: ['<r>'] }
    expect(await specials(withConfig(none))).toBe('<|endoftext|> 7, <r> 8')
  })
})

describe('files of GPT-2 that cannot be used', () => {
  it.each([
    ['a line with three tokens', 'a b\nab c d\n', /merges\.txt, line 2 is "ab c d", two tokens with one space/],
    ['an empty line', '#version: 0.2\n\na b\n', /merges\.txt, line 2 is "", two tokens/],
    ['two spaces', 'a  b\n', /merges\.txt, line 1 is "a {2}b", two tokens/],
    ['no merges', '#version: 0.2\n', /merges\.txt holds no merges/]
  ])('merges with %s', async (_, content, message) => {
    const opened = openWith({ ...gpt2, 'merges.txt': content })
    await expect(opened).rejects.toMatchObject({ code: 'BAD_FORMAT', message: expect.stringMatching(message) })
  })

  it.each([
    ['a token', 'a z\n', /merges\.txt, line 1 merges "a" and "z", but vocab\.json has no "z"/],
    ['a result', 'a b\nb c\n', /merges\.txt, line 2 merges "b" and "c", but vocab\.json has no "bc"/]
  ])('merges with %s that the vocabulary does not have', async (_, content, message) => {
    const opened = openWith({ ...gpt2, 'merges.txt': content })
    await expect(opened).rejects.toMatchObject({ code: 'BAD_INPUT', message: expect.stringMatching(message) })
  })

  it.each([
    ['no JSON', '{"a": 0,}', /vocab\.json is not valid JSON: it .*\(character \d+\)/],
    ['a list', ['a'], /vocab\.json holds no vocabulary: one object from tokens to ids was expected/],
    ['no tokens', {}, /vocab\.json holds no vocabulary/],
    ['a text for an id', { ...vocab, d: '8' }, /the token "d" has the id "8", a whole number from 0/],
    ['an id that is far too large', { ...vocab, d: 2 ** 40 }, /the token "d" has the id 1099511627776/],
    ['one id twice', { ...vocab, d: 4 }, /the tokens "abc" and "d" both have the id 4/]
  ])('a vocabulary with %s', async (_, content, message) => {
    const opened = openWith({ ...gpt2, 'vocab.json': content })
    await expect(opened).rejects.toMatchObject({ code: 'BAD_FORMAT', message: expect.stringMatching(message) })
  })

  it.each([
    [{ added_tokens_decoder: { x: { content: 'y' } } }, /tokenizer_config\.json: added_tokens_decoder has \{"x":/],
    [{ added_tokens_decoder: { 8: { special: true } } }, /an id and a token with its content were expected/],
    [{ added_tokens_decoder: { 9: { content: '<e>' } } }, /added_tokens_decoder gives "<e>" the id 9, by .* it is 8/]
  ])('special tokens as in %j', (config, message) => expect(withConfig(config)).rejects.toThrow(message))

  it('added tokens that the vocabulary has under another id, or without an id', async () => {
    await expect(withConfig({}, { 'added_tokens.json': { ab: 8 } })).rejects.toThrow(/gives "ab" the id 8, .* it is 3/)
    await expect(withConfig({}, { 'added_tokens.json': { ab: 'x' } })).rejects.toThrow(/the token "ab" has the id "x"/)
  })

  it('another tokenizer of the same file names', async () => {
    const roberta = withConfig({ tokenizer_class: 'RobertaTokenizer' })
    await expect(roberta).rejects.toThrow(
      /belong to the tokenizer_class RobertaTokenizer, .* python -c "from transformers/
    )
    const qwen = openWith({ ...gpt2, 'config.json': { model_type: 'qwen2' } })
    await expect(qwen).rejects.toThrow(/belong to the model_type qwen2, where GPT-2's or OPT's were expected/)
    await expect(openWith({ ...gpt2, 'config.json': {} })).rejects.toThrow(/belong to an unknown model/)
  })
})
