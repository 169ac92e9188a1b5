import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { sampleModel } from '../helpers/paths'
import { finishedOf, makeRun, runToEnd } from '../helpers/runs'

/** The sample model beside a tokenizer that numbers the same tokens from behind, as that of another model might. */
function withOtherTokenizer(): string {
  const model = join(mkdtempSync(join(tmpdir(), 'quail-model-')), 'model')
  cpSync(sampleModel, model, { recursive: true })
  const path = join(model, 'tokenizer.json')
  const tokenizer = JSON.parse(readFileSync(path, 'utf8'))
  const added = new Set(tokenizer.added_tokens.map(({ id }: { id: number }) => id))
  const ids = Object.values<number>(tokenizer.model.vocab).filter((id) => !added.has(id))
  const last = Math.max(...ids) + Math.min(...ids)
  tokenizer.model.vocab = Object.fromEntries(
    Object.entries<number>(tokenizer.model.vocab).map(([token, id]) => [token, added.has(id) ? id : last - id])
  )
  writeFileSync(path, JSON.stringify(tokenizer))
  return model
}

it('a run says when full precision predicts worse than a blind guess, as beside the tokenizer of another model', async () => {
  const variants = [{ method: 'svd', rank: 1, targets: ['q_proj'] }]
  const said = async (model: string) => {
    const events = await runToEnd(makeRun({ model, variants }))
    const perplexities = Object.values(finishedOf(events).perplexity).map(({ fullPrecision }) => fullPrecision)
    const warnings = events.flatMap((event) =>
      event.type === 'warning' && event.code === 'WORSE_THAN_GUESSED' ? event.message : []
    )
    return { perplexity: perplexities[0] as number, warnings }
  }
  const own = await said(sampleModel)
  expect(own.perplexity).toBeLessThan(4096)
  expect(own.warnings).toEqual([])
  const other = await said(withOtherTokenizer())
  expect(other.perplexity).toBeGreaterThan(4096)
  expect(other.warnings).toEqual([
    expect.stringMatching(
      /: full precision has a perplexity of [\d,]+, worse than a blind guess among its 4,096 tokens: /
    )
  ])
})
