import { describe, expect, it } from 'vitest'
import { headlineJson } from '../../../src/cli/output/printJson'
import { perplexitiesOf } from '../../../src/engine/run/rowStatistics'
import {
  alikeSentences,
  headlineOf,
  headlineSentences,
  quantizerResults,
  recommendations
} from '../../../src/shared/headline'
import type { Perplexities } from '../../../src/shared/runEvents'
import { measuredRows, measuredText } from '../../helpers/measured'

const NF4 = 'nf4-b64-dq'
const on = (name: string, quantizer = NF4) => ({ name, quantizer })

/** A run of two quantizers as it was once summed up wrongly: the lowest perplexity of all is that of an int8 variant. */
const measured: Perplexities = {
  tokens: 100,
  fullPrecision: 80,
  quantizers: { int8: 80.008, [NF4]: 81 },
  variants: { 'svd-int8': 80.01704, 'exact-int8': 80.02, 'zero-nf4': 81, 'quailora-nf4': 80.012, 'exact-nf4': 80.02 }
}
const variants = [on('exact-int8', 'int8'), on('svd-int8', 'int8'), on('zero-nf4'), on('quailora-nf4'), on('exact-nf4')]
const run = { perplexity: { 'a.txt': measured }, variants }

describe('a run that mixes quantizers', () => {
  it('has for each quantizer its own gap and its own best variant, the largest gap first', () => {
    const results = quantizerResults(measured, variants)
    expect(results.map(({ quantizer, label, quantized }) => [quantizer, label, quantized])).toEqual([
      [NF4, 'NF4', 81],
      ['int8', 'INT8', 80.008]
    ])
    expect(results.map((one) => one.variants.map(({ variant }) => variant.name))).toEqual([
      ['quailora-nf4', 'exact-nf4', 'zero-nf4'],
      ['svd-int8', 'exact-int8']
    ])
    expect(results[0]?.variants[0].gapClosed).toBeCloseTo(0.988)
    expect(results[1]?.variants[0].gapClosed).toBeCloseTo(-1.13)
  })

  it('says so in a sentence for each, whatever the order of the recipe', () => {
    const sentences = [
      'quailora-nf4 closes 99 % of the NF4 gap on a: 81.00 → 80.01 (full precision 80.00)',
      'svd-int8 widens the INT8 gap on a by 113 %: 80.01 → 80.02 (full precision 80.00)'
    ]
    expect(headlineSentences(run)).toEqual(sentences)
    expect(headlineSentences({ ...run, variants: [...variants].reverse() })).toEqual(sentences)
    expect(headlineSentences(run, 'zero-nf4')).toEqual([
      'zero-nf4 closes 0 % of the NF4 gap on a: 81.00 → 81.00 (full precision 80.00)',
      sentences[1]
    ])
  })

  it('recommends one variant of each, and says where none helps', () => {
    expect(recommendations(run).map(({ label, variant, harmful }) => [label, variant.name, harmful])).toEqual([
      ['NF4', 'quailora-nf4', false],
      ['INT8', 'svd-int8', true]
    ])
  })

  it('recommends none that makes a base worse on which quantizing left no gap', () => {
    const [found] = recommendations({
      perplexity: { a: { ...measured, quantizers: { ...measured.quantizers, int8: 79.9 } } },
      variants
    }).filter(({ label }) => label === 'INT8')
    expect(found).toMatchObject({ harmful: true })
  })

  it('is the same as JSON', () => {
    expect(headlineJson(run)).toMatchObject({
      text: 'a.txt',
      results: [
        { quantizer: NF4, quantized: 81, best: 'quailora-nf4' },
        { quantizer: 'int8', quantized: 80.008, best: 'svd-int8' }
      ]
    })
    expect(headlineJson({ ...run, perplexity: {} })).toBeNull()
  })
})

describe('a headline', () => {
  it('is none while nothing is measured; the last variant of each quantizer is then recommended', () => {
    const early = { ...run, perplexity: {} }
    expect(headlineOf(early)).toBeUndefined()
    expect(headlineSentences(early)).toEqual([])
    expect(recommendations(early).map(({ variant }) => variant.name)).toEqual(['svd-int8', 'exact-nf4'])
  })

  it('leaves out what is not measured yet', () => {
    const early = { ...measured, variants: { 'zero-nf4': 81 } }
    expect(quantizerResults(early, variants).map((one) => one.variants.length)).toEqual([1])
  })

  it('has no share where quantizing cost nothing', () => {
    const lossless = { ...measured, quantizers: { int8: 79.99, [NF4]: 81 } }
    const [, int8] = quantizerResults(lossless, variants)
    expect(int8?.variants[0].gapClosed).toBeUndefined()
    expect(headlineSentences({ ...run, perplexity: { 'a.txt': lossless } })[1]).toContain('INT8 costs nothing on a')
  })
})

describe('what the rows of a text do not tell apart', () => {
  const left = { zero: 1, poor: 1.001, good: 0.2, best: 0.199 }
  const own = Object.keys(left).map((name) => on(name))

  it('is said of each variant and of the gap', () => {
    const [clear] = quantizerResults(measuredText({ gap: 0.1, left, rows: 200 }), own)
    const [best, next, ...others] = clear?.variants ?? []
    expect([best, next].map((one) => one?.variant.name).sort()).toEqual(['best', 'good'])
    expect([clear?.distinctGap, best?.distinctFromBase, best?.distinctFromBest]).toEqual([true, true, undefined])
    expect([next?.distinctFromBase, next?.distinctFromBest]).toEqual([true, false])
    for (const other of others) expect([other.distinctFromBase, other.distinctFromBest]).toEqual([false, true])
    expect(alikeSentences(clear as never, 'quantized')).toEqual([
      `${others.map(({ variant }) => variant.name).join(', ')} from quantized`,
      `${next?.variant.name} from the best, ${best?.variant.name}`
    ])
  })

  it('makes the one of them the best that is nearest to full precision', () => {
    const rows = measuredRows({ gap: 0.1, left: { lowest: 0.2, nearest: 0.2, far: 0.6 }, rows: 200 })
    const { lowest, nearest, far } = rows.variants as Record<string, { loss: number[]; klDivergence: number[] }>
    if (!lowest || !nearest || !far) throw new Error('no rows')
    nearest.loss = lowest.loss.map((loss, i) => loss + (i % 2 === 0 ? 0.02 : -0.0199))
    nearest.klDivergence = lowest.klDivergence.map((sum) => 0.7 * sum)
    far.klDivergence = lowest.klDivergence.map((sum) => 0.5 * sum) // told from the lowest by its perplexity
    const names = ['lowest', 'nearest', 'far']
    const perplexity = { 'a.txt': perplexitiesOf(rows, new Map(names.map((name) => [name, NF4]))) }
    const found = perplexity['a.txt'].variants
    expect(found.nearest).toBeGreaterThan(found.lowest as number)
    const [result] = quantizerResults(
      perplexity['a.txt'],
      names.map((name) => on(name))
    )
    expect(result?.variants.map(({ variant, distinctFromBest }) => [variant.name, distinctFromBest])).toEqual([
      ['nearest', undefined],
      ['lowest', false],
      ['far', true]
    ])
    expect(recommendations({ perplexity, variants: names.map((name) => on(name)) })[0]?.variant.name).toBe('nearest')
  })

  it('are all of a single row: the best is the one that is nearest to full precision', () => {
    const rows = measuredRows({ gap: 0.1, left: { lowest: 0.2, nearest: 0.2 }, rows: 1 })
    const { lowest, nearest } = rows.variants as Record<string, { loss: number[]; klDivergence: number[] }>
    if (!lowest || !nearest) throw new Error('no rows')
    nearest.loss = lowest.loss.map((loss) => loss + 0.01)
    nearest.klDivergence = lowest.klDivergence.map((sum) => 0.7 * sum)
    const found = quantizerResults(
      perplexitiesOf(rows, new Map(Object.keys(rows.variants).map((name) => [name, NF4]))),
      [on('lowest'), on('nearest')]
    )
    expect(found[0]?.variants.map(({ variant }) => variant.name)).toEqual(['nearest', 'lowest'])
  })

  it('keeps a variant from being called harmful', () => {
    const perplexity = { 'a.txt': measuredText({ gap: 0.1, left: { worse: 1.035 }, rows: 200 }) }
    const [found] = quantizerResults(perplexity['a.txt'], [on('worse')])
    expect([found?.variants[0].distinctFromBase, (found?.variants[0].gapClosed ?? 0) < 0]).toEqual([false, true])
    expect(recommendations({ perplexity, variants: [on('worse')] })[0]?.harmful).toBe(false)
  })

  it('calls no variant harmful that takes a base back from its luck: nearer to full precision, whose perplexity is no lower', () => {
    const harm = (gap: number, nearness: number): boolean | undefined => {
      const rows = measuredRows({ gap: 0.1, left: { back: 0.2 }, rows: 200 })
      const { back } = rows.variants
      const base = rows.quantizers[NF4]
      if (!back || !base) throw new Error('no rows')
      base.loss = rows.fullPrecision.loss.map((loss, i) => loss + gap + (i % 2 === 0 ? 0.2 : -0.2))
      back.loss = base.loss.map((loss, i) => loss + 0.1 + (i % 2 === 0 ? 0.02 : -0.02))
      back.klDivergence = base.klDivergence.map((sum) => nearness * sum)
      const perplexity = { 'a.txt': perplexitiesOf(rows, new Map([['back', NF4]])) }
      return recommendations({ perplexity, variants: [on('back')] })[0]?.harmful
    }
    expect([harm(0, 0.25), harm(-0.5, 0.25), harm(0, 1.5), harm(0.5, 0.25)]).toEqual([false, false, true, true])
  })

  it('is unknown of older runs', () => {
    const [found] = quantizerResults(measured, variants)
    expect(found).toMatchObject({ distinctGap: undefined, baseStatistics: undefined })
    expect(alikeSentences(found as never, 'quantized')).toEqual([])
  })
})
