import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseConversation } from '../../../../src/engine/calibration/conversation'
import { encodeText } from '../../../../src/engine/calibration/encodeText'
import { maskOfSpans } from '../../../../src/engine/calibration/responseMask'
import { countPositions, packedRows, paddedRows } from '../../../../src/engine/calibration/rows'
import { ModelTokenizer } from '../../../../src/engine/calibration/tokenizer'
import type { ChatMessage } from '../../../../src/shared/samples'
import { chatRendererOf } from '../../../helpers/chats'
import { sampleModel } from '../../../helpers/paths'
import { resolveText } from '../../../helpers/runs'

interface Reference {
  readonly templates: Record<string, string>
  readonly conversations: Record<string, ChatMessage[]>
  readonly cases: readonly { template: string; conversation: string; text: string; ids: number[]; mask: number[] }[]
}
/** Of transformers 5.23 with the sample model's tokenizer; see response_mask.py beside it. */
const reference: Reference = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../fixtures/chat/response_mask.json'), 'utf8')
)

const conversationOf = (messages: readonly unknown[]) => parseConversation(JSON.stringify(messages), 'here')

describe('the tokens of responses are those of transformers', async () => {
  const tokenizer = await ModelTokenizer.open(sampleModel)
  test.each(reference.cases)('$template, $conversation', async ({ template, conversation, ...expected }) => {
    const renderer = await chatRendererOf(reference.templates[template] as string)
    const messages = reference.conversations[conversation] as ChatMessage[]
    const { text, responses } = renderer.renderWithResponses(conversationOf(messages), 'here')
    expect(text).toBe(expected.text)
    const ids = await tokenizer.encode(text, { specialTokens: false })
    expect([...ids]).toEqual(expected.ids)
    expect([...(await maskOfSpans(tokenizer, text, ids, responses))]).toEqual(expected.mask)
  })
})

// By the offsets of Python's tokenizers 0.23, which count characters before they are normalized.
test('a border within a word is found where the normalizer makes the text shorter', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'quail-mask-'))
  const definition = JSON.parse(readFileSync(join(sampleModel, 'tokenizer.json'), 'utf8'))
  writeFileSync(join(directory, 'tokenizer.json'), JSON.stringify({ ...definition, normalizer: { type: 'NFC' } }))
  const tokenizer = await ModelTokenizer.open(directory)
  const text = 'Cafe\u0301 abandoned'
  const ids = await tokenizer.encode(text, { specialTokens: false })
  expect(await tokenizer.decodeEach(ids.slice(-2))).toEqual([' abandon', 'ed'])
  const spans = [{ begin: text.length - 1, end: text.length }] // the tokens of "Café abandone" end in "one"
  expect([...(await maskOfSpans(tokenizer, text, ids, spans))]).toEqual([0, 0, 0, 0, 0, 0, 1])
})

describe('a conversation whose responses cannot be told', () => {
  const [turn, reply] = [
    { role: 'user', content: 'Who?' },
    { role: 'assistant', content: 'A quail.' }
  ]
  test('is named with its turn and the remedy', async () => {
    const renderer = await chatRendererOf('{% for m in messages[::-1] %}{{ m.content }}{% endfor %}')
    expect(() => renderer.renderWithResponses(conversationOf([turn, reply, turn]), 'chats, sample 2')).toThrow(
      /^chats, sample 2, turn 2: .*add the blocks around what the assistant writes/
    )
  })

  test('is one that holds the noncharacters which stand for the blocks', async () => {
    const renderer = await chatRendererOf(reference.templates.marked as string)
    expect(() => renderer.renderWithResponses(conversationOf([{ role: 'user', content: 'a\uFDD0b' }]), 'here')).toThrow(
      /U\+FDD0/
    )
  })
})

describe('positions that count', () => {
  const samples = [
    { ids: Int32Array.of(1, 2, 3, 4), response: Uint8Array.of(0, 0, 1, 1) },
    { ids: Int32Array.of(5, 6), response: Uint8Array.of(0, 1) }
  ]
  const counted = (on: 'all' | 'responses' | 'prompts', firstToken: 'include' | 'exclude') => {
    const rows = countPositions(paddedRows(samples, 3, 2, 9), { on, firstToken })
    return [[...rows.counted].join(''), rows.tokenCount]
  }
  test.each([
    ['all', 'include', '111110', 5],
    ['all', 'exclude', '011010', 3],
    ['responses', 'include', '001010', 2],
    ['prompts', 'include', '110100', 3],
    ['prompts', 'exclude', '010000', 1]
  ] as const)('%s, first token %s, never pads nor what was cut off', (on, firstToken, mask, tokens) => {
    expect(counted(on, firstToken)).toEqual([mask, tokens])
  })

  test('go along when conversations are packed', async () => {
    const tokenizer = await ModelTokenizer.open(sampleModel)
    const path = join(mkdtempSync(join(tmpdir(), 'quail-mask-')), 'chats.jsonl')
    const names = ['one turn', 'two turns']
    const lines = names.map((name) => JSON.stringify({ text: JSON.stringify(reference.conversations[name]) }))
    writeFileSync(path, `${lines.join('\n')}\n`)
    const chat = { renderer: await chatRendererOf(reference.templates.marked as string), responses: true }
    const encoded = await encodeText(tokenizer, resolveText(path, 'messages'), '/', 'packed', chat)
    const [whole] = await encoded.take([[0, 1].map((part) => ({ part, begin: 0, end: 999 }))])
    const expected = names.map((name) =>
      reference.cases.find((one) => one.template === 'marked' && one.conversation === name)
    )
    expect([...(whole?.ids ?? [])]).toEqual(expected.flatMap((one) => one?.ids))
    const masks = expected.flatMap((one) => one?.mask ?? [])
    expect([...(whole?.response ?? [])]).toEqual(masks)
    const rows = packedRows(whole ?? { ids: new Int32Array() }, 20, 99)
    const responses = countPositions(rows, { on: 'responses', firstToken: 'include' })
    expect([...responses.counted]).toEqual(masks.slice(0, rows.ids.length))
  })
})
