import { mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { previewTokens } from '../../../../src/engine/ask/previewTokens'
import { preflight } from '../../../../src/engine/plan/planRun'
import { POLICIES, Recipe } from '../../../../src/shared/recipe'
import { sampleModel } from '../../../helpers/paths'
import { resolveText } from '../../../helpers/runs'

const folder = mkdtempSync(join(tmpdir(), 'quail-printed-'))

/** The sample model with another template. */
function modelWith(template: string): string {
  const directory = mkdtempSync(join(folder, 'model-'))
  for (const name of ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors'])
    symlinkSync(join(sampleModel, name), join(directory, name))
  writeFileSync(join(directory, 'chat_template.jinja'), template)
  return directory
}

const asked = (content: unknown) => [
  { role: 'user', content },
  { role: 'assistant', content: 'A quail in the wheat.' }
]
const path = join(folder, 'chats.jsonl')
const conversations = [
  asked('Who?'),
  asked([{ type: 'text', text: 'Who sings "there"?' }]),
  asked([{ type: 'text', text: 'What?' }])
]
writeFileSync(path, conversations.map((one) => `${JSON.stringify({ text: JSON.stringify(one) })}\n`).join(''))
const text = resolveText(path, 'messages')

const READS_TEXTS = '{% for m in messages %}<{{ m.role }}>{{ m.content | trim }}\n{% endfor %}'
const READS_BOTH =
  '{% for m in messages %}<{{ m.role }}>{% if m.content is string %}{{ m.content }}{% else %}{% for p in m.content %}{{ p.text }}{% endfor %}{% endif %}\n{% endfor %}'

async function findingsOf(template: string, policy: string, calibrateOn: string) {
  const calibration = { files: [path], rows: 2 }
  const recipe = { version: 1, model: modelWith(template), calibration, policy, calibrateOn, context: 24 }
  const request = { recipe: Recipe.parse({ ...recipe, variants: [{ method: 'svd', rank: 2 }] }), evaluation: [] }
  const { findings } = await preflight({ ...request, calibration: [text] })
  return findings.filter(({ code }) => code === 'PRINTED_PARTS')
}

describe('lists of parts that a template writes as Python prints lists', () => {
  it.each(POLICIES.flatMap((policy) => ['all', 'responses'].map((on) => [policy, on] as const)))(
    'are told of before a run, with the first sample: %s, %s',
    async (policy, on) => {
      expect(await findingsOf(READS_TEXTS, policy, on)).toEqual([
        {
          code: 'PRINTED_PARTS',
          severity: 'warning',
          subject: 'texts',
          message:
            'conversations whose lists of parts the chat template, which reads texts alone, writes as Python prints a list: ' +
            `2 of 3 (chats.jsonl, sample 2, turn 1: [{'type': 'text', 'text': 'Who sings "there"?'}]); give what such turns say as a text`
        }
      ])
      expect(await findingsOf(READS_BOTH, policy, on)).toEqual([])
    }
  )

  it('are told of beside the tokens that they become', async () => {
    const request = { text, policy: 'padded' as const, context: 32, rows: 2, row: 0 }
    const shown = await previewTokens({ ...request, model: modelWith(READS_TEXTS) })
    expect(shown.printed).toMatchObject({ count: 2, samples: 3, first: expect.stringContaining('sample 2, turn 1') })
    expect((await previewTokens({ ...request, model: modelWith(READS_BOTH) })).printed).toBeNull()
  })
})
