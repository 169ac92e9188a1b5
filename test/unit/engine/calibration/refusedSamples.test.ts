import { mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { encodeText } from '../../../../src/engine/calibration/encodeText'
import { concatRows, cutRows } from '../../../../src/engine/calibration/rows'
import { ModelTokenizer } from '../../../../src/engine/calibration/tokenizer'
import { preflight } from '../../../../src/engine/plan/planRun'
import { POLICIES, Recipe } from '../../../../src/shared/recipe'
import { chatRendererOf } from '../../../helpers/chats'
import { sampleModel } from '../../../helpers/paths'
import { resolveText } from '../../../helpers/runs'

/** As templates of Mistral and Gemma do. */
const STRICT = `{% for m in messages -%}
{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif -%}
<{{ m.role }}>{{ m.content }}
{% endfor %}`

const turns = (...contents: readonly (readonly [string, string])[]) =>
  contents.map(([role, content]) => ({ role, content }))
const taken = [
  turns(['user', 'Who sings there?'], ['assistant', 'A quail in the wheat.']),
  turns(['user', 'And what of the whale, the great one?'], ['assistant', 'It swims in the sea.'])
]
const refused = turns(['assistant', 'How can I help?'], ['user', 'Not at all.'])

const folder = mkdtempSync(join(tmpdir(), 'quail-refused-'))
function textOf(name: string, conversations: readonly object[]) {
  const path = join(folder, name)
  writeFileSync(
    path,
    conversations.map((messages) => `${JSON.stringify({ text: JSON.stringify(messages) })}\n`).join('')
  )
  return resolveText(path, 'messages')
}

/** The sample model with the strict template. */
function strictModel(): string {
  const directory = mkdtempSync(join(tmpdir(), 'quail-strict-'))
  for (const name of ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors'])
    symlinkSync(join(sampleModel, name), join(directory, name))
  writeFileSync(join(directory, 'chat_template.jinja'), STRICT)
  return directory
}

describe('conversations that the chat template refuses', async () => {
  const tokenizer = await ModelTokenizer.open(sampleModel)
  const renderer = await chatRendererOf(STRICT)
  const encoded = (name: string, conversations: readonly object[], policy: 'packed' | 'padded', responses: boolean) =>
    encodeText(tokenizer, textOf(name, conversations), folder, policy, { renderer, responses })

  it.each(POLICIES.flatMap((policy) => [true, false].map((responses) => ({ policy, responses }))))(
    'are left out and counted, as if they were not there: %o',
    async ({ policy, responses }) => {
      const mixed = await encoded('mixed', [refused, taken[0]!, refused, taken[1]!], policy, responses)
      const clean = await encoded('clean', taken, policy, responses)
      const rows = async (text: typeof mixed) => cutRows(text, 'x', 0, { policy, context: 8, rows: 2 })
      const { refused: found, ...of } = await rows(mixed)
      expect(found).toEqual([
        { count: 2, samples: 4, first: expect.stringMatching(/^mixed, sample 1: .*refuses .*roles must alternate$/) }
      ])
      expect(of).toEqual(await rows(clean))
      expect(mixed.lengths).toEqual(clean.lengths)
      const both = concatRows([await rows(clean), await rows(mixed), await rows(mixed)])
      expect(both.refused).toEqual([...found!, ...found!])
    }
  )

  it.each(POLICIES)(
    'are left out as those are whose responses cannot be told, where these count: %s',
    async (policy) => {
      const backwards = await chatRendererOf(
        '{% for m in (messages[::-1] if messages | length == 3 else messages) %}{{ m.content }}\n{% endfor %}'
      )
      const odd = turns(['user', 'odd'], ['assistant', 'It swims.'], ['user', 'Where?'])
      const text = textOf('odd', [taken[0]!, odd, taken[1]!])
      const left = async (responses: boolean) => {
        const given = await encodeText(tokenizer, text, folder, policy, { renderer: backwards, responses })
        return (await cutRows(given, 'x', 0, { policy, context: 8, rows: 2 })).refused
      }
      expect(await left(true)).toEqual([
        { count: 1, samples: 3, first: expect.stringMatching(/^odd, sample 2, turn 2: .*its responses cannot be told/) }
      ])
      expect(await left(false)).toBeUndefined()
    }
  )

  it.each(POLICIES)('are an error where none other is there: %s', async (policy) => {
    await expect(encoded('one', [refused], policy, false)).rejects.toThrow(/^one, sample 1: .*roles must alternate$/)
    await expect(encoded('all', [refused, refused], policy, true)).rejects.toThrow(
      /^all, sample 1: .*roles must alternate; so it is with all 2 conversations$/
    )
  })

  it('are told of before a run', async () => {
    const text = textOf('chats', [taken[0]!, refused, taken[1]!])
    const calibration = { files: [text.path], rows: 2 }
    const recipe = { version: 1, model: strictModel(), calibration, policy: 'padded', context: 8 }
    const request = { recipe: Recipe.parse({ ...recipe, variants: [{ method: 'svd', rank: 2 }] }), evaluation: [] }
    const { findings } = await preflight({ ...request, calibration: [text] })
    expect(findings.find(({ code }) => code === 'REFUSED_SAMPLES')?.message).toMatch(
      /^conversations that the chat template refuses, or whose responses it does not tell, are left out: 1 of 3 \(chats, sample 2: .*roles must alternate\)$/
    )
  })

  it('are told from those over which a template fails', async () => {
    const failing = await chatRendererOf("{{ messages[0].content + 1 }}{{ raise_exception('no') }}")
    const given = encodeText(tokenizer, textOf('f', taken), folder, 'padded', { renderer: failing, responses: false })
    await expect(given).rejects.toThrow(/^f, sample 1: /)
    await expect(given).rejects.not.toThrow('all')
  })
})
