import { cpSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { previewTokens } from '../../../../src/engine/ask/previewTokens'
import { throwProblem } from '../../../../src/engine/prepare/problems'
import { tokenizeTexts } from '../../../../src/engine/prepare/tokenizedTexts'
import { Recipe } from '../../../../src/shared/recipe'
import type { ResolvedText } from '../../../../src/shared/runFolder'
import { sampleModel, sampleText } from '../../../helpers/paths'
import { resolveText } from '../../../helpers/runs'

const VOCABULARY = 4096
const DAY = '2026-11-27'
const TEMPLATE =
  "{{ bos_token }}{{ strftime_now('%d %B') }}{% for m in messages %}{{ m.role ~ ': ' }}{% if m.role == 'assistant' %}" +
  '{% generation %}{{ m.content ~ eos_token }}{% endgeneration %}{% else %}{{ m.content }}{% endif %}{% endfor %}'

let model = ''
let chats: ResolvedText

beforeAll(() => {
  const folder = mkdtempSync(join(tmpdir(), 'quail-preview-'))
  model = join(folder, 'model')
  cpSync(sampleModel, model, { recursive: true })
  writeFileSync(join(model, 'chat_template.jinja'), TEMPLATE)
  const lines = Array.from({ length: 30 }, (_, i) => [
    { role: 'user', content: `Where is whale ${i}?\n` },
    { role: 'assistant', content: `Below the ship, ${'deep '.repeat(i % 7)}down.` }
  ])
  const path = join(folder, 'chats.jsonl')
  writeFileSync(path, lines.map((turns) => `${JSON.stringify({ text: JSON.stringify(turns) })}\n`).join(''))
  chats = resolveText(path, 'messages')
})

interface Case {
  readonly kind: 'text' | 'messages'
  readonly policy: Recipe['policy']
  readonly calibrateOn: Recipe['calibrateOn']
  readonly firstToken: Recipe['firstToken']
}

const CASES: Case[] = (['packed', 'padded'] as const).flatMap((policy) =>
  (['include', 'exclude'] as const).flatMap((firstToken) => [
    { kind: 'text', policy, calibrateOn: 'all', firstToken } as const,
    ...(['all', 'responses', 'prompts'] as const).map((calibrateOn) => ({
      ...({ kind: 'messages', policy } as const),
      ...{ calibrateOn, firstToken }
    }))
  ])
)

describe('a preview', () => {
  test.each(CASES)('shows what a run begins with: %o', async ({ kind, policy, calibrateOn, firstToken }) => {
    const text = kind === 'text' ? resolveText(sampleText('moby-evaluation.txt')) : chats
    const [context, rows] = [24, 5]
    const recipe = Recipe.parse({
      ...{ version: 1, model, policy, context, calibrateOn, firstToken, variants: [{ method: 'svd' }] },
      calibration: { files: [text.path], rows }
    })
    const texts = { calibration: [text], evaluation: [] }
    const { calibration } = await tokenizeTexts(
      { recipe, texts, folder: '/', vocabularySize: VOCABULARY, day: DAY },
      throwProblem
    )
    const request = { ...{ model, text, policy, context, rows, calibrateOn, firstToken }, templateDate: DAY }
    for (let row = 0; row < calibration.rows; row++) {
      const { tokens, ...preview } = await previewTokens({ ...request, row })
      const [begin, end] = [row * context, (row + 1) * context]
      expect([preview.rows, preview.tokenCount]).toEqual([calibration.rows, calibration.tokenCount])
      expect(tokens.map(({ id }) => id)).toEqual([...calibration.ids.subarray(begin, end)])
      expect(tokens.map(({ pad, leftOut }) => Number(!pad && leftOut === null))).toEqual([
        ...calibration.counted.subarray(begin, end)
      ])
    }
  })

  test('follows the named tokens of the checkpoint, also when nothing else changes', async () => {
    const shape = { policy: 'padded', context: 64, rows: 1, row: 0, templateDate: DAY } as const
    const shown = async (eos_token: string): Promise<string> => {
      writeFileSync(join(model, 'tokenizer_config.json'), JSON.stringify({ bos_token: '<s>', eos_token }))
      return (await previewTokens({ model, text: chats, ...shape })).text
    }
    expect(await shown('</s>')).toMatch(/^<s>27 November.*down\.<\/s>$/s)
    expect(await shown('<s>')).toMatch(/down\.<s>$/)
  })
})
