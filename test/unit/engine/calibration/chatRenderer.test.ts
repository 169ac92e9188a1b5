import { copyFileSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { previewTokens } from '../../../../src/engine/ask/previewTokens'
import { ChatRenderer } from '../../../../src/engine/calibration/chatRenderer'
import { parseConversation } from '../../../../src/engine/calibration/conversation'
import { encodeText } from '../../../../src/engine/calibration/encodeText'
import { ModelTokenizer } from '../../../../src/engine/calibration/tokenizer'
import { sampleModel } from '../../../helpers/paths'
import { resolveText } from '../../../helpers/runs'

const TEMPLATE =
  "{{ bos_token }}{% for m in messages %}{{ '<|' + m['role'] + '|>\\n' + m['content'] | trim + eos_token + '\\n' }}{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
const CONVERSATION = [
  { role: 'system', content: 'Be brief. ' },
  { role: 'user', content: 'Who?' },
  { role: 'assistant', content: '  A quail.' }
]
const conversation = parseConversation(JSON.stringify(CONVERSATION), 'here')
/** Of jinja2 3.1.6 in Python: the environment of transformers (sandboxed, trim_blocks, lstrip_blocks), bos <s>, eos </s>. */
const RENDERED = '<s><|system|>\nBe brief.</s>\n<|user|>\nWho?</s>\n<|assistant|>\nA quail.</s>\n'

/** The sample model with a chat template, and a tokenizer that puts <s> before whatever it is given. */
function chatModel(template: string | undefined): string {
  const directory = mkdtempSync(join(tmpdir(), 'quail-chat-'))
  for (const name of ['config.json', 'tokenizer_config.json'])
    copyFileSync(join(sampleModel, name), join(directory, name))
  symlinkSync(join(sampleModel, 'model.safetensors'), join(directory, 'model.safetensors'))
  const tokenizer = JSON.parse(readFileSync(join(sampleModel, 'tokenizer.json'), 'utf8'))
  tokenizer.post_processor = {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } }
  }
  writeFileSync(join(directory, 'tokenizer.json'), JSON.stringify(tokenizer))
  if (template !== undefined) writeFileSync(join(directory, 'chat_template.jinja'), template)
  return directory
}

const renderer = async (directory: string) =>
  ChatRenderer.open(directory, await ModelTokenizer.open(directory), '2026-11-27')

/** A file of conversations as a run gets it of a stored set. */
function conversations(count: number) {
  const path = join(mkdtempSync(join(tmpdir(), 'quail-chat-')), 'chats.jsonl')
  writeFileSync(path, `${JSON.stringify({ text: JSON.stringify(CONVERSATION) })}\n`.repeat(count))
  return resolveText(path, 'messages')
}

describe('a conversation', () => {
  test('is rendered as Python does', async () => {
    expect((await renderer(chatModel(TEMPLATE))).render(conversation, 'here')).toBe(RENDERED)
  })

  // special_tokens_map of AutoTokenizer in transformers 5.23: what the files name, else the class; null takes it away.
  test.each([
    [{ tokenizer_class: 'PreTrainedTokenizerFast' }, '||||||FalseFalse'],
    [{ tokenizer_class: 'LlamaTokenizer' }, '<s>|</s>|<unk>||||TrueFalse'],
    [{ tokenizer_class: 'LlamaTokenizer', bos_token: null, pad_token: '' }, '|</s>|<unk>||||FalseTrue'],
    [{ tokenizer_class: 'Qwen2Tokenizer', sep_token: '</s>' }, '|<|endoftext|>|<|endoftext|>|</s>|||FalseTrue'],
    [{ extra_special_tokens: { image_token: '<img>' }, bos_token: { content: '</s>' } }, '</s>|||||<img>|TrueFalse']
  ])('gets the tokens that are named: %j', async (config, expected) => {
    const names = ['bos', 'eos', 'unk', 'sep', 'mask', 'image'].map((name) => `{{ ${name}_token }}`).join('|')
    const directory = chatModel(`${names}|{{ bos_token is defined }}{{ pad_token is defined }}`)
    writeFileSync(join(directory, 'tokenizer_config.json'), JSON.stringify(config))
    const file = join(directory, 'tokenizer.json')
    const tokenizer = JSON.parse(readFileSync(file, 'utf8')) // with bytes, LlamaTokenizer is not the class that counts
    writeFileSync(file, JSON.stringify({ ...tokenizer, pre_tokenizer: null, decoder: null }))
    expect((await renderer(directory)).render(conversation, 'here')).toBe(expected)
  })

  test('has neither tools nor documents unless they are given', async () => {
    const chat = await renderer(chatModel('{{ tools is none }} {{ documents is none }} {{ tools is defined }}'))
    expect(chat.render(conversation, 'here').toLowerCase()).toBe('true true true')
  })

  test('has one token <s> at its beginning, not two', async () => {
    const model = chatModel(TEMPLATE)
    const tokenizer = await ModelTokenizer.open(model)
    const chat = { renderer: await renderer(model), responses: false }
    const encoded = await encodeText(tokenizer, conversations(1), '/', 'padded', chat)
    const [{ ids } = { ids: new Int32Array() }] = await encoded.take([[{ part: 0, begin: 0, end: 99 }]])
    expect([...ids.subarray(0, 2)]).toEqual([1, (await tokenizer.encode('<', { specialTokens: false }))[0]])
    expect(await tokenizer.decode(ids)).toBe(RENDERED)
  })

  test('that the template refuses is named with its reason', async () => {
    const model = chatModel("{{ raise_exception('roles must alternate') }}")
    const chat = await renderer(model)
    expect(() => chat.render(conversation, 'chats, sample 3')).toThrow(
      /^chats, sample 3: .*chat_template\.jinja refuses .*roles must alternate/
    )
  })

  test('needs a template: without one the remedy is named', async () => {
    await expect(renderer(chatModel(undefined))).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringMatching(/has no chat template \(chat_template\.jinja, .*: add one/)
    })
  })

  test('is refused in a run whose template was another', async () => {
    const text = { ...conversations(2), chatTemplateSha256: '0'.repeat(64) }
    const request = { model: chatModel(TEMPLATE), text, policy: 'padded', context: 64, rows: 2, row: 0 } as const
    await expect(previewTokens(request)).rejects.toThrow(/chat template has changed since the run was created/)
  })
})

describe('a template that writes parts and no texts', () => {
  /** In the manner of LLaVA: the texts among the parts of each turn, what the assistant says as generated. */
  const parts = (said: string) =>
    `{% for c in m['content'] | selectattr('type', 'equalto', 'text') %}${said}{% endfor %}`
  const inParts = `{% for m in messages %}{{ m['role'].upper() + ': ' }}${parts("{{ c['text'] }}")};{% endfor %}`
  const generated = `{% for m in messages %}{{ m['role'].upper() + ': ' }}{% if m['role'] == 'assistant' %}${parts("{% generation %}{{ c['text'] }}{% endgeneration %}")}{% else %}${parts("{{ c['text'] }}")}{% endif %};{% endfor %}`
  const WRITTEN = 'SYSTEM: Be brief. ;USER: Who?;ASSISTANT:   A quail.;'

  test.each([
    ['that ends turns', inParts],
    ['that fails over texts', inParts.replace("selectattr('type', 'equalto', 'text')", 'rejectattr("type.a", "none")')],
    [
      'of which the assistant says texts',
      "{% for m in messages %}{{ m['role'].upper() + ': ' }}{% if m['role'] == 'assistant' %}{{ m['content'] }}{% else %}{{ m['content'][0]['text'] }}{% endif %};{% endfor %}"
    ]
  ])('is given texts as lists of one part: one %s', async (_, template) => {
    expect((await renderer(chatModel(template))).render(conversation, 'here')).toBe(WRITTEN)
  })

  test.each([inParts, generated])('tells what the assistant says: %s', async (template) => {
    const { text, responses } = (await renderer(chatModel(template))).renderWithResponses(conversation, 'here')
    expect(text).toBe(WRITTEN)
    expect(responses.map(({ begin, end }) => text.slice(begin, end).includes('  A quail.'))).toEqual([true])
  })

  test('is given the texts of any role so, by what it makes of the conversation itself', async () => {
    const needsTools = `{% if not tools %}{{ raise_exception('tools') }}{% endif %}${inParts}`
    const turns = [
      { role: 'developer', content: 'Count.' },
      { role: 'User', content: 'Who?' },
      { role: 'assistant', content: '' },
      { role: 'tool', content: '[1]' },
      { role: 'assistant', content: 'One.' }
    ]
    const given = parseConversation(JSON.stringify({ messages: turns, tools: [{ name: 'count' }] }), 'here')
    const { text, responses } = (await renderer(chatModel(needsTools))).renderWithResponses(given, 'here')
    expect(text).toBe('DEVELOPER: Count.;USER: Who?;ASSISTANT: ;TOOL: [1];ASSISTANT: One.;')
    expect(responses.map(({ begin, end }) => text.slice(begin, end))).toEqual(['ASSISTANT: ;', 'ASSISTANT: One.;'])
  })

  test('is given parts as they stand', async () => {
    const turns = [{ role: 'user', content: [{ type: 'image' }, { type: 'text', text: 'Who?' }] }]
    const given = parseConversation(JSON.stringify(turns), 'here')
    expect((await renderer(chatModel(inParts))).render(given, 'here')).toBe('USER: Who?;')
  })
})

describe('the preview', () => {
  test('shows the row of the run: text, special tokens and pads', async () => {
    const model = chatModel(TEMPLATE)
    const preview = await previewTokens({
      model,
      text: conversations(3),
      policy: 'padded',
      context: 64,
      rows: 2,
      row: 5
    })
    expect(preview).toMatchObject({ rows: 2, available: 3, row: 1, text: RENDERED })
    const { tokens, statistics } = preview
    expect(tokens).toHaveLength(64)
    expect(tokens[0]).toEqual({ id: 1, text: '<s>', special: true, pad: false, leftOut: null })
    const real = tokens.filter(({ pad }) => !pad)
    expect(real.map(({ text }) => text).join('')).toBe(RENDERED)
    expect(tokens.slice(real.length).every(({ pad, id }) => pad && id === 0)).toBe(true)
    const length = real.length
    expect(statistics).toEqual({
      tokens: 3 * length,
      lengths: { min: length, median: length, p95: length, max: length }
    })
  })

  test('of packed rows is the text in one piece', async () => {
    const text = resolveText(join(sampleModel, '../text/moby-evaluation.txt'))
    const preview = await previewTokens({ model: sampleModel, text, policy: 'packed', context: 32, rows: 4, row: 0 })
    expect(preview.rows).toBe(4)
    expect(preview.tokens.every(({ pad }) => !pad)).toBe(true)
    expect(readFileSync(text.path, 'utf8')).toContain(preview.text)
  })
})

describe('templates by name', () => {
  const named = (...templates: readonly { name: string; template: string }[]): string => {
    const directory = chatModel(undefined)
    const path = join(directory, 'tokenizer_config.json')
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), chat_template: templates }))
    return directory
  }
  const turns = JSON.stringify(CONVERSATION)
  const withTools = `{"messages":${turns},"tools":[{"name":"find"}]}`

  test('conversations with tools are rendered by tool_use, others by the default', async () => {
    const chat = await renderer(
      named({ name: 'tool_use', template: '{{ tools | tojson }}' }, { name: 'default', template: 'plain' })
    )
    expect(chat.render(parseConversation(turns, 'here'), 'here')).toBe('plain')
    expect(chat.render(parseConversation(withTools, 'here'), 'here')).toBe('[{"name": "find"}]')
  })

  test('without a default none is taken', async () => {
    await expect(renderer(named({ name: 'rag', template: 'a' }))).rejects.toThrow(
      /has the chat templates rag, but none is named default/
    )
  })
})
