import { copyFileSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { previewTokens } from '../../../../src/engine/ask/previewTokens'
import { preflight } from '../../../../src/engine/plan/planRun'
import type { Recipe } from '../../../../src/shared/recipe'
import { sampleModel, sampleText } from '../../../helpers/paths'
import { finishedOf, makeRun, resolveText, runToEnd } from '../../../helpers/runs'

const fixture = (name: string) =>
  JSON.parse(readFileSync(join(import.meta.dirname, '../../../fixtures/chat', name), 'utf8'))
const chats = fixture('response_mask.json')
/** Of transformers in float64; see masked_run.py beside it. */
const expected = fixture('masked_run.json') as {
  context: number
  rows: string[]
  calibration: Record<string, { tokens: number; energy: Record<string, number> }>
  perplexity: Record<'all' | 'responses', { tokens: number; value: number }>
}

/** The sample model with the template "marked". */
function chatModel(): string {
  const directory = mkdtempSync(join(tmpdir(), 'quail-masked-'))
  for (const name of ['config.json', 'tokenizer.json', 'tokenizer_config.json'])
    copyFileSync(join(sampleModel, name), join(directory, name))
  symlinkSync(join(sampleModel, 'model.safetensors'), join(directory, 'model.safetensors'))
  writeFileSync(join(directory, 'chat_template.jinja'), chats.templates.marked)
  return directory
}

function conversations(names: readonly string[]) {
  const path = join(mkdtempSync(join(tmpdir(), 'quail-masked-')), 'chats.jsonl')
  writeFileSync(path, names.map((name) => `${line(chats.conversations[name])}\n`).join(''))
  return resolveText(path, 'messages')
}
const line = (conversation: unknown): string => JSON.stringify({ text: JSON.stringify(conversation) })

type Changes = Partial<Record<keyof Recipe, unknown>>

/** A run on conversations, one in each row. */
function chatRun(changes: Changes, names = expected.rows) {
  const text = conversations(names)
  const source = { files: [text.path], rows: 8 }
  const run = makeRun({
    ...{ model: chatModel(), calibration: source, evaluation: source, policy: 'padded', context: expected.context },
    variants: [{ method: 'svd', rank: 4 }],
    ...changes
  })
  return { ...run, record: { ...run.record, calibration: [text], evaluation: [{ ...text }] } }
}

async function findingsOf(changes: Changes, names?: string[]) {
  const { record } = chatRun(changes, names)
  const { recipe, calibration, evaluation } = record
  return (await preflight({ recipe, calibration, evaluation })).findings
}

// float32 products of a hundred tokens against float64: 1e-5 is far above their rounding and below one position's share.
const near = (own: number, reference: number) => expect(Math.abs(own / reference - 1)).toBeLessThan(1e-5)

describe('a run in which not all positions count', () => {
  it.each([
    ['responses', 'include', 'responses'],
    ['prompts', 'exclude', 'all'],
    ['all', 'include', 'all'],
    ['all', 'exclude', 'responses']
  ] as const)(
    'calibrates on %s with first tokens %sd, and has the loss on %s, as transformers',
    async (on, first, loss) => {
      const events = await runToEnd(chatRun({ calibrateOn: on, firstToken: first, lossOn: loss }))
      const { perplexity, variants } = finishedOf(events)
      const { energy, tokens } = expected.calibration[`${on} ${first}`] as { tokens: number; energy: object }
      expect(events.find(({ type }) => type === 'planned')).toMatchObject({ calibrationTokens: tokens })
      const layers = variants[0]?.layers ?? []
      expect(layers.map(({ name }) => name).sort()).toEqual(Object.keys(energy).sort())
      for (const { name, outputEnergy } of layers)
        near(outputEnergy, (energy as Record<string, number>)[name] as number)
      expect(perplexity['chats.jsonl']?.tokens).toBe(expected.perplexity[loss].tokens)
      near(perplexity['chats.jsonl']?.fullPrecision ?? 0, expected.perplexity[loss].value)
    }
  )
})

describe('a recipe that counts what is not there', () => {
  it('is refused where the text holds no conversations', async () => {
    const { record } = chatRun({ calibrateOn: 'prompts', lossOn: 'responses' })
    const plain = { calibration: [resolveText(sampleText('moby-evaluation.txt'))], evaluation: record.evaluation }
    const { findings } = await preflight({ recipe: record.recipe, ...plain })
    expect(findings).toContainEqual(
      expect.objectContaining({
        severity: 'error',
        message: expect.stringMatching(/^moby-evaluation\.txt holds no conversations, so it has no responses: /),
        fix: { label: 'Calibrate on all positions', changes: [{ path: ['calibrateOn'], value: 'all' }] }
      })
    )
  })

  it('is refused where no conversation has a response', async () => {
    const messages = (await findingsOf({ calibrateOn: 'responses' }, ['system only'])).map(({ message }) => message)
    expect(messages).toContainEqual(
      expect.stringMatching(/^chats\.jsonl: none of its 1 row of 40 tokens has a position of a response that counts; /)
    )
  })

  it('is warned of rows without any, by number', async () => {
    const findings = await findingsOf({ calibrateOn: 'responses' }, ['one turn', 'system only'])
    expect(findings.find(({ code }) => code === 'EMPTY_ROWS')).toMatchObject({
      severity: 'warning',
      message: 'rows without a position that counts: calibration: 1 of 2 rows, the first is row 2'
    })
  })

  it('is not warned where all rows count', async () => {
    const codes = (await findingsOf({ calibrateOn: 'responses' }, ['one turn', 'empty response'])).map(
      ({ code }) => code
    )
    expect(codes).not.toContain('EMPTY_ROWS')
  })
})

describe('the preview', () => {
  it('says of each token whether it counts, and why not', async () => {
    const reference = chats.cases.find(
      (one: { template: string; conversation: string }) => one.template === 'marked' && one.conversation === 'one turn'
    )
    const shared = { model: chatModel(), text: conversations(['one turn']), context: 40, rows: 1, row: 0 } as const
    const request = { ...shared, policy: 'padded', firstToken: 'exclude' } as const
    const reasons = async (calibrateOn: 'responses' | 'prompts') =>
      (await previewTokens({ ...request, calibrateOn })).tokens.map(({ leftOut }) => leftOut)
    const pads = [null, null]
    const rest = reference.mask.slice(1) as number[]
    expect(await reasons('responses')).toEqual(['first', ...rest.map((one) => (one ? null : 'prompt')), ...pads])
    expect(await reasons('prompts')).toEqual(['first', ...rest.map((one) => (one ? 'response' : null)), ...pads])
  })
})
