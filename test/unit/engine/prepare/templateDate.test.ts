import { copyFileSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { previewTokens } from '../../../../src/engine/ask/previewTokens'
import { preflight } from '../../../../src/engine/plan/planRun'
import { narrowModel } from '../../../helpers/narrowModel'
import { adapterDigests, finishedOf, makeRun, resolveText, runToEnd, type TestRun } from '../../../helpers/runs'

const TEMPLATE =
  "Today is {{ strftime_now('%d %b %Y') }}.\n{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"

/** The narrow model with a template that writes the date. */
function datedModel(): string {
  const directory = mkdtempSync(join(tmpdir(), 'quail-dated-'))
  for (const name of ['config.json', 'tokenizer.json', 'tokenizer_config.json'])
    copyFileSync(join(narrowModel, name), join(directory, name))
  symlinkSync(join(narrowModel, 'model.safetensors'), join(directory, 'model.safetensors'))
  writeFileSync(join(directory, 'chat_template.jinja'), TEMPLATE)
  return directory
}

function conversations() {
  const path = join(mkdtempSync(join(tmpdir(), 'quail-dated-')), 'chats.jsonl')
  const turns = (i: number) => [
    { role: 'user', content: `Question ${i}: where is the whale?` },
    { role: 'assistant', content: `Answer ${i}: below the ship.` }
  ]
  writeFileSync(path, [0, 1, 2, 3].map((i) => `${JSON.stringify({ text: JSON.stringify(turns(i)) })}\n`).join(''))
  return resolveText(path, 'messages')
}

const model = datedModel()
const text = conversations()

/** A run as an older version stored it, without a day of its own, unless one is given. */
function datedRun(templateDate?: string): TestRun {
  const source = { files: [text.path], rows: 4 }
  const run = makeRun({
    ...{ model, calibration: source, evaluation: source, policy: 'padded' },
    variants: [{ method: 'svd', rank: 4 }],
    ...(templateDate !== undefined && { templateDate })
  })
  const createdAtMs = new Date(2026, 10, 27, 12).getTime()
  return { ...run, record: { ...run.record, createdAtMs, calibration: [text], evaluation: [{ ...text }] } }
}

/** Only the clock: timers go on. */
const setDay = (...[year, month, day]: [number, number, number]): unknown =>
  vi.useFakeTimers({ toFake: ['Date'], now: new Date(year, month, day, 12) })

afterEach(() => vi.useRealTimers())

const perplexities = async (run: TestRun) => finishedOf(await runToEnd(run)).perplexity
const weights = (run: TestRun) => adapterDigests(run, ['svd-r4'])['svd-r4/adapter_model.safetensors']

describe('a chat template that writes the date', () => {
  it('renders the day of the recipe, whatever day it is', async () => {
    setDay(2031, 0, 1)
    const request = { model, text, policy: 'padded', context: 64, rows: 4, row: 0 } as const
    const given = await previewTokens({ ...request, templateDate: '2026-11-27' })
    expect(given.text).toContain('Today is 27 Nov 2026.\nuser: Question 0')
    expect((await previewTokens(request)).text).toContain('Today is 01 Jan 2031.')
  })

  it('gives a run that is resumed on another day the text that it began with', async () => {
    setDay(2026, 10, 27)
    const whole = datedRun()
    const expected = await perplexities(whole)
    const broken = datedRun()
    await runToEnd(broken, (event) => event.type === 'blockFinished')
    setDay(2026, 10, 28)
    expect(await perplexities(broken)).toEqual(expected)
    expect(weights(broken)).toBe(weights(whole))
    expect(await perplexities(datedRun('2026-11-28'))).not.toEqual(expected)
    expect(await perplexities(datedRun('2026-11-27'))).toEqual(expected)
  })

  it('starts a run anew that an older version began with other tokens', async () => {
    const run = datedRun('2026-11-27')
    await runToEnd(run, (event) => event.type === 'blockFinished')
    const path = join(run.folder, 'tokens.sha256')
    const noted = readFileSync(path, 'utf8')
    writeFileSync(path, '0'.repeat(64))
    const planned = (await runToEnd(run)).find((event) => event.type === 'planned')
    expect(planned).toMatchObject({ resumedBlocks: 0 })
    expect(readFileSync(path, 'utf8')).toBe(noted)
  })

  it('is told of before the run, in the proof and in the model card', async () => {
    const run = datedRun('2026-11-27')
    const { recipe, calibration, evaluation } = run.record
    const { findings } = await preflight({ recipe, calibration, evaluation })
    const told = findings.find(({ code }) => code === 'TEMPLATE_DATE')
    expect(told?.message).toContain('rendered as of 2026-11-27')
    await runToEnd(run)
    const written = (file: string) => readFileSync(join(run.record.out, 'svd-r4', file), 'utf8')
    expect(JSON.parse(written('quail.json')).recipe.templateDate).toBe('2026-11-27')
    expect(written('README.md')).toContain('conversations rendered as of 2026-11-27')
  })
})
