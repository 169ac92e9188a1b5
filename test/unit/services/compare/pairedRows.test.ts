import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { perplexitiesOf } from '../../../../src/engine/run/rowStatistics'
import { pairedText, pairedWith } from '../../../../src/services/compare/pairedRows'
import { pairingSentences } from '../../../../src/shared/compare/pairing'
import { type RowsOfText, RUN_FILES } from '../../../../src/shared/runFolder'
import { logRatioError, subject } from '../../../../src/shared/uncertainty'
import { measuredRows, NF4 } from '../../../helpers/measured'
import { temporaryHome } from '../../../helpers/stores'

const TEXT = 'evaluation.txt'

/** One run's rows, and the same as two runs would have them, each of one of the variants. */
const whole = measuredRows({ gap: 0.1, left: { 'svd-r8': 0.6, 'exact-r8': 0.59 } })
const only = (name: string): RowsOfText => ({
  ...whole,
  variants: { [name]: whole.variants[name] as RowsOfText['variants'][string] }
})
const [svd, exact] = [only('svd-r8'), only('exact-r8')]

describe('variants of two runs on the same rows', () => {
  test('differ as surely as in one run', () => {
    const measured = perplexitiesOf(whole, new Map(Object.keys(whole.variants).map((name) => [name, NF4])))
    const within = logRatioError(measured, subject.variant('svd-r8'), subject.variant('exact-r8')) as number
    const errors = pairedText(svd, exact, 'svd-r8').logRatioErrors
    expect(within).toBeGreaterThan(0)
    // One run's figure is stored with seven digits.
    expect(Math.abs((errors?.['exact-r8'] ?? Number.NaN) / within - 1)).toBeLessThan(1e-6)
  })

  test('are paired where devices differ in the last digits', () => {
    const loss = exact.fullPrecision.loss.map((value, i) => value * (1 + 1e-6 * (i % 3)))
    expect(pairedText(svd, { ...exact, fullPrecision: { loss } }, 'svd-r8').why).toBeUndefined()
  })
})

describe('variants of two runs are not paired, and it is said why', () => {
  test('where rows were cut otherwise', () => {
    const tokens = exact.tokens.map((count) => count + 1)
    expect(pairedText(svd, { ...exact, tokens }, 'svd-r8')).toEqual({ why: 'cut into other rows' })
  })

  test('where one row holds other tokens, or the model is another', () => {
    const loss = exact.fullPrecision.loss.map((value, i) => (i === 3 ? value * 1.01 : value))
    const { why } = pairedText(svd, { ...exact, fullPrecision: { loss } }, 'svd-r8')
    expect(why).toBe('another full precision: the model or its tokens are not the same')
  })

  test('where a run of an earlier version stored no rows', () => {
    expect(pairedText(svd, undefined, 'svd-r8').why).toBe('the losses of its rows are not stored')
  })
})

describe('runs', () => {
  const run = (id: string, variant: string, sha256 = 'a') => ({
    id,
    texts: { calibration: [], evaluation: [{ name: TEXT, sha256 }] },
    perplexity: { [TEXT]: perplexitiesOf(only(variant), new Map([[variant, NF4]])) }
  })

  test('are read from their folders, text by text', async () => {
    const home = temporaryHome()
    for (const [id, rows] of Object.entries({ one: svd, two: exact, other: exact })) {
      mkdirSync(join(home, 'runs', id), { recursive: true })
      writeFileSync(join(home, 'runs', id, RUN_FILES.rows), JSON.stringify({ version: 1, texts: { [TEXT]: rows } }))
    }
    const runs = [run('one', 'svd-r8'), run('two', 'exact-r8'), run('other', 'exact-r8', 'b'), run('old', 'exact-r8')]
    const pairing = await pairedWith({ home }, 'one/svd-r8', runs)
    expect(Object.keys(pairing)).toEqual(['two', 'other', 'old'])
    expect(pairing.two?.[TEXT]?.logRatioErrors).toHaveProperty('exact-r8')
    expect(pairing.other?.[TEXT]?.why).toBe('another text of this name')
    const titles = new Map([['two', 'the second']])
    expect(pairingSentences(pairing, titles, 'the baseline')).toEqual([
      'Paired with the baseline over the same rows: the second.',
      'Not paired: other (evaluation.txt: another text of this name).',
      'Not paired: old (evaluation.txt: the losses of its rows are not stored).',
      'Where rows are not paired, ▲ and ▼ say only which figure is better, not whether it is distinguishable.'
    ])
  })
})
