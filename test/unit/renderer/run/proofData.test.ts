import { describe, expect, it } from 'vitest'
import { methodColor, PALETTES } from '../../../../src/renderer/charts/palette'
import { layerCurves } from '../../../../src/renderer/run/layerCurves'
import { nameInBlock } from '../../../../src/renderer/run/layerNames'
import {
  firstVariant,
  isWorse,
  layerLines,
  layersTable,
  resultSentences,
  resumed,
  stripCells,
  stripMax
} from '../../../../src/renderer/run/proofData'
import { phaseText } from '../../../../src/renderer/runs/jobText'
import { progressSentence, timeLeft } from '../../../../src/renderer/runs/progressText'
import type { LayerRow, ProofVariant, RunProof } from '../../../../src/shared/contract/proof'
import type { RefiningProgress, RunProgress } from '../../../../src/shared/contract/runs'
import type { Perplexities } from '../../../../src/shared/runEvents'

const variant = (name: string, quantizer = 'nf4-b64-dq', rank = 4): ProofVariant => ({
  name,
  method: name.split('-')[0] as string,
  rank,
  ranks: null,
  acceptance: null,
  scaling: 1,
  quantizer,
  refined: false,
  refinement: null,
  adapter: null,
  bytes: null,
  sha256: null
})

const variants = [variant('zero-r4'), variant('quailora-r4'), variant('svd-b128', 'nf4-b128')]

const measured: Perplexities = {
  tokens: 100,
  fullPrecision: 10,
  quantizers: { 'nf4-b64-dq': 12, 'nf4-b128': 13 },
  variants: { 'zero-r4': 12, 'quailora-r4': 10.5, 'svd-b128': 11.5 }
}

const row = (change: Partial<LayerRow> = {}): LayerRow => ({
  variant: 'quailora-r4',
  block: 1,
  name: 'model.layers.1.mlp.up_proj',
  shape: [64, 32],
  lossRank0: 10,
  loss: 4,
  lossBfloat16: 5,
  certificate: 0.99,
  frobeniusRank0: 2,
  frobenius: 1,
  weightNorm: 100,
  outputEnergy: 1000,
  rankFor90: 3,
  ...change
})

const run = (change: Partial<RunProof> = {}): RunProof =>
  ({ status: 'completed', variants, perplexity: { 'a.txt': measured }, ...change }) as RunProof

describe('the variant that a page begins with', () => {
  it('is the best where the gap is largest, and the last one before anything is measured', () => {
    expect(firstVariant(run())).toBe('svd-b128')
    expect(firstVariant(run({ variants: variants.slice(0, 2) }))).toBe('quailora-r4')
    expect(firstVariant(run({ perplexity: {} }))).toBe('quailora-r4')
    expect(firstVariant(run({ perplexity: {}, variants: [] }))).toBe('')
  })
})

describe('the sentence', () => {
  it('is that of the first text, of the layers where there is no text, and none before', () => {
    expect(resultSentences(run({ variants: variants.slice(0, 2) }), 'zero-r4', [])).toEqual([
      'zero-r4 closes 0 % of the NF4 gap on a: 12.00 → 12.00 (full precision 10.00).'
    ])
    const [loss, ...others] = resultSentences(run({ perplexity: {} }), 'quailora-r4', [row()])
    expect(loss).toContain('removes 60.0 %')
    expect(others).toEqual([])
    expect(resultSentences(run({ perplexity: {}, status: 'running' }), 'quailora-r4', [row()])).toEqual([])
  })

  it('is one for each quantizer, about the chosen variant where it repairs that one', () => {
    expect(resultSentences(run(), 'zero-r4', [])).toEqual([
      'svd-b128 closes 50 % of the NF4 block 128 gap on a: 13.00 → 11.50 (full precision 10.00).',
      'zero-r4 closes 0 % of the NF4 block 64, double-quantized gap on a: 12.00 → 12.00 (full precision 10.00).'
    ])
  })
})

describe('what is said of going on', () => {
  const planned = { blocks: 4 } as RunProof['planned']

  it('names no place that was not reached', () => {
    expect(resumed({ blocksDone: 0, planned, variants })).toBe('No block was finished. Resume begins with the first')
    expect(resumed({ blocksDone: 1, planned, variants })).toBe('1 block of 4 is kept. Resume goes on from there')
  })
})

describe('layers', () => {
  it('have cells for one variant, by block and name', () => {
    const cells = stripCells([row(), row({ variant: 'zero-r4' }), row({ block: null })], 'quailora-r4')
    expect(cells.map(({ block, linear, share }) => [block, linear, share])).toEqual([[1, 'mlp.up_proj', 0.6]])
    expect(cells[0]?.details[1]).toEqual({ label: 'after, as stored', value: '0.4000 %' })
  })

  it('share one scale, whatever the variant', () => {
    expect(stripMax([row(), row({ loss: 2.5 })])).toBe(0.8)
    expect(stripMax([row({ loss: 10 })])).toBe(0.1)
    expect(stripMax([])).toBe(0.1)
    expect(stripMax([row({ loss: 0 })])).toBe(1)
  })

  it('are worse when either error grew by more than rounding', () => {
    expect(isWorse(row())).toBe(false)
    expect(isWorse(row({ loss: 10.001 }))).toBe(false)
    expect(isWorse(row({ loss: 10.1 }))).toBe(true)
    expect(isWorse(row({ frobenius: 2.1 }))).toBe(true)
  })

  it('are lines of one variant with relative errors, and all of them in the table', () => {
    const lines = layerLines([row(), row({ variant: 'zero-r4' })], 'quailora-r4')
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({
      before: 0.01,
      after: 0.004,
      afterBfloat16: 0.005,
      plainBefore: 0.02,
      removed: 0.6
    })
    const table = layersTable([row(), row({ lossRank0: 0, loss: 0 })], { variants })
    expect(table.rows.map((cells) => cells.length)).toEqual([table.columns.length, table.columns.length])
    expect(table.rows[1]?.[8]).toBeNull()
  })

  it('are called by their name within the block', () => {
    expect(nameInBlock('model.layers.12.self_attn.q_proj')).toBe('self_attn.q_proj')
    expect(nameInBlock('transformer.h.3.mlp.c_fc')).toBe('mlp.c_fc')
    expect(nameInBlock('lm_head')).toBe('lm_head')
  })
})

describe('curves of a layer', () => {
  const result = { ...row(), eigenvalues: [4, 2, 1, 0.5, 0.2] }
  const palette = PALETTES.light

  it('are one for each quantizer, with a mark for each variant', () => {
    const results = variants.map(({ name }) => ({ variant: name, block: 1, result }))
    const { series, marks } = layerCurves(variants, results, palette)
    expect(series.map(({ label }) => label)).toEqual([
      'best on NF4 block 64, double-quantized',
      'best on NF4 block 128'
    ])
    // Rank 4 was the largest asked for; the fifth eigenvalue is only a bound.
    expect(series[0]?.left).toEqual([1, 0.6, 0.4, 0.3, 0.25].map((share) => expect.closeTo(share)))
    expect(marks.map(({ label, rank, left }) => [label, rank, left])).toEqual(
      ['zero-r4 · NF4 block 64, double-quantized', 'quailora-r4 · NF4 block 64, double-quantized', 'svd-b128'].map(
        (label) => [label, 4, 0.4]
      )
    )
    expect(marks[1]?.color).toBe(methodColor(palette, 'quailora'))
  })

  it('leave out variants that do not target the layer', () => {
    const { series, marks } = layerCurves(variants, [{ variant: 'zero-r4', block: 1, result }], palette)
    expect([series.length, marks.length]).toEqual([1, 1])
    expect(series[0]?.label).toBe('best possible')
  })
})

describe('progress', () => {
  const task = { evaluation: [{}, {}], variants } as unknown as RunProof
  const at = (blocksDone: number, phase: 'blocks' | 'evaluating' | 'reading' = 'blocks') =>
    progressSentence({ phase, blocksDone, blocks: 4, remainingMs: null, refining: null }, task)

  it('says what is done, what is done now and what is next', () => {
    expect(at(1)).toBe('1 of 4 blocks done. Now block 2, next block 3.')
    expect(at(3)).toBe('3 of 4 blocks done. Now block 4, next perplexity on 2 texts.')
    // The last block is done, and the evaluation has not begun yet.
    expect(at(4)).toBe('All 4 blocks done. Next perplexity on 2 texts.')
    expect(at(4, 'evaluating')).toContain('Now perplexity on 2 texts')
  })

  it('names what is refined, its step, and how its held-out rows stand', () => {
    const refinements = ['exact-refined', 'zero-refined'].map((name) => ({ variant: name, steps: 48 }))
    const refined = { ...task, planned: { refinements } } as unknown as RunProof
    const sentence = (phase: 'blocks' | 'refining', refining: RefiningProgress | null, blocksDone = 4) =>
      progressSentence({ phase, blocksDone, blocks: 4, remainingMs: null, refining }, refined)
    expect(sentence('blocks', null, 3)).toBe('3 of 4 blocks done. Now block 4, next refining exact-refined.')
    const first = { variant: 'exact-refined', step: 13, steps: 48, checks: 3, start: 0.0033, least: 0.003 }
    expect(sentence('refining', first)).toBe(
      'All 4 blocks done. Now refining exact-refined, step 13 of 48, held-out KL 0.00330 → 0.00300 (−9 %), next zero-refined.'
    )
    const second = { variant: 'zero-refined', step: 1, steps: 48, checks: 0, start: null, least: null }
    expect(sentence('refining', second)).toBe(
      'All 4 blocks done. Now refining zero-refined, step 1 of 48, next perplexity on 2 texts.'
    )
    expect(sentence('refining', null)).toBe(
      'All 4 blocks done. Now the texts go through what was refined, next perplexity on 2 texts.'
    )
    const job = { phase: 'refining', refining: second } as RunProgress
    expect(phaseText(job)).toBe('Refining zero-refined, step 1 of 48')
  })

  it('counts the blocks that there are while outputs are weighed, forward and backward', () => {
    const weighing = (done: number) => phaseText({ phase: 'weighing', blocks: 4, done, total: 8 } as RunProgress)
    expect(weighing(0)).toBe('Weighing outputs, forward, block 1 of 4')
    expect(weighing(3.5)).toBe('Weighing outputs, forward, block 4 of 4')
    expect(weighing(4)).toBe('Weighing outputs, backward, block 1 of 4')
    expect(weighing(8)).toBe('Weighing outputs, backward, block 4 of 4')
  })

  it('gives the time left with its uncertainty, once there is a measure for it', () => {
    expect(timeLeft({ remainingMs: { low: 27_000, high: 31_000 } })).toBe('25 s to 30 s left')
    expect(timeLeft({ remainingMs: { low: 27_100, high: 27_200 } })).toBe('about 25 s left')
    expect(timeLeft({ remainingMs: null })).toBeUndefined()
  })
})
