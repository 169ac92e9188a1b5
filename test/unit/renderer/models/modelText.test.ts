import { describe, expect, test } from 'vitest'
import { briefProblem, problemsOf, STATUS_LABELS } from '../../../../src/renderer/models/modelText'
import type { ModelDetails } from '../../../../src/shared/contract/models'

const details = (changes: object): ModelDetails =>
  ({ model: { status: 'ready', problems: [] }, inspection: { problems: [] }, failure: null, ...changes }) as never

describe('what keeps a checkpoint from being prepared', () => {
  test('is nothing where neither the list nor a closer look found anything', () => {
    expect(problemsOf(details({}))).toEqual([])
  })

  test('is what only a closer look shows, too: a run with it is not offered, whatever the list says', () => {
    const inspection = { problems: ['tokenizer.json is no tokenizer'] }
    expect(problemsOf(details({ inspection }))).toEqual(['tokenizer.json is no tokenizer'])
    expect(problemsOf(details({ inspection: null, failure: 'it is truncated' }))).toEqual(['it is truncated'])
  })

  test('is said once', () => {
    const model = { status: 'incomplete', problems: ['a shard is missing'] }
    expect(problemsOf(details({ model, failure: 'a shard is missing' }))).toEqual(['a shard is missing'])
  })
})

describe('a problem in a line of the list', () => {
  const model = { directory: '/models/bert' }

  test('is whole where it is short, without the folder that stands beside it', () => {
    expect(briefProblem(model, '/models/bert/config.json is not valid JSON')).toBe('config.json is not valid JSON')
  })

  test('is cut where it is long: a line is no page', () => {
    const brief = briefProblem(model, `/models/bert/config.json: the model has no ${'llama, '.repeat(100)}`)
    expect(brief).toMatch(/^config\.json: the model has no llama,.*…$/)
    expect(brief.length).toBeLessThanOrEqual(140)
  })
})

test('a truncated file or a missing tokenizer is not told as a family that Quail lacks', () => {
  expect(STATUS_LABELS.unsupported).toBe('Not usable')
})
