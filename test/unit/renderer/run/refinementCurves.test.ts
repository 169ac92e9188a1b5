import { describe, expect, it } from 'vitest'
import { PALETTES } from '../../../../src/renderer/charts/palette'
import { kept, ofStart, resultSentences } from '../../../../src/renderer/run/proofData'
import {
  refinedVariants,
  refinementCurves,
  refinementTable,
  refinementText
} from '../../../../src/renderer/run/refinementCurves'
import type { ProofVariant, RunProof } from '../../../../src/shared/contract/proof'
import { refinementResult } from '../../../helpers/stores'

const variant = (name: string, refinement: ProofVariant['refinement'], quantizer = 'nf4-b64-dq'): ProofVariant => ({
  ...{ name, method: name.split('-')[0] as string, rank: 8, quantizer, ranks: null, acceptance: null, scaling: 1 },
  ...{ refined: name.includes('refined'), refinement },
  ...{ adapter: null, bytes: null, sha256: null }
})

const UNDER_WAY = { ...refinementResult(2), kept: 6 }
const variants = [
  variant('exact-r8', null),
  variant('exact-r8-refined', refinementResult(8)),
  variant('zero-r8-refined', { ...UNDER_WAY, curve: [...UNDER_WAY.curve, { steps: 18, divergence: null }] })
]
const palette = PALETTES.light

describe('the chart of refinements', () => {
  const refined = refinedVariants(variants)
  const { series, marks } = refinementCurves(refined, palette)

  it('has a line for each refined variant, and dashes without an adapter over all steps', () => {
    expect(series.map(({ label, dashed = false, points }) => [label, dashed, points.length])).toEqual([
      ['exact-r8-refined', false, 9],
      ['zero-r8-refined', false, 3],
      ['without adapter', true, 9]
    ])
    const [first, , base] = series
    expect(first?.points[8]).toEqual({ x: 48, y: 0.01 / 11 })
    expect([base?.points[0], base?.points.at(-1)].map((point) => [point?.x, point?.y])).toEqual([
      [0, 0.025 / 3],
      [48, 0.025 / 3]
    ])
    expect(new Set(series.map(({ color }) => color)).size).toBe(3)
  })

  it('marks what is kept, or is best while it goes', () => {
    expect(marks.map(({ label, x, y }) => [label, x, y])).toEqual([
      ['exact-r8-refined, kept', 48, 0.01 / 11],
      ['zero-r8-refined, best so far', 6, 0.01 / 4]
    ])
    const none = { ...refinementResult(1), quantized: 0.001, kept: 'zero' as const }
    const [mark] = refinementCurves(refinedVariants([variant('a-refined', none)]), palette).marks
    expect([mark?.x, mark?.y]).toEqual([0, 0.001])
  })

  it('has a colour and dashes for each where methods or quantizers are the same', () => {
    const alike = ['nf4-b64-dq', 'int8'].flatMap((quantizer) =>
      [1, 2].map((i) => variant(`exact-${i}-refined`, refinementResult(1), quantizer))
    )
    const drawn = refinementCurves(refinedVariants(alike), palette)
    const lines = drawn.series.filter(({ dashed }) => !dashed)
    expect(new Set([palette.quantized, ...lines.map(({ color }) => color)]).size).toBe(5)
    expect(drawn.series.filter(({ dashed }) => dashed).map(({ label }) => label)).toEqual([
      'NF4 without adapter',
      'INT8 without adapter'
    ])
  })

  it('is a table too', () => {
    const { columns, rows } = refinementTable(refined)
    expect(columns).toHaveLength(7)
    expect(rows.map(([steps]) => steps)).toEqual([0, 6, 12, 18, 24, 30, 36, 42, 48])
    expect(rows[1]).toEqual([6, 0.01 / 4, 0.025 / 3, '', 0.01 / 4, 0.025 / 3, 'kept'])
    expect(rows[3]?.slice(4)).toEqual(['not finite', 0.025 / 3, ''])
    expect(rows[8]).toEqual([48, 0.01 / 11, 0.025 / 3, 'kept', null, 0.025 / 3, ''])
  })

  it('says what was kept, and while it goes how far it is', () => {
    expect(refined.map(refinementText)).toEqual([
      'exact-r8-refined: held-out KL 0.00333 → 0.000909 (−73 %), kept after 48 of 48 steps; without an adapter 0.00833.',
      'zero-r8-refined: held-out KL not finite after 18 of 48 steps; 0.00333 at the start.'
    ])
  })
})

describe('a run of refined variants', () => {
  const run = { status: 'completed', perplexity: {}, variants } as unknown as RunProof

  it('that measured no perplexity proves the divergence on held-out rows', () => {
    expect(resultSentences(run, 'exact-r8-refined', [])).toEqual([refinementText(refinedVariants(variants)[0]!)])
  })

  it('that was stopped keeps blocks and steps', () => {
    const of = (blocksDone: number, own: readonly ProofVariant[]) =>
      kept({ blocksDone, planned: { blocks: 4 } as RunProof['planned'], variants: own })
    expect(of(0, [])).toBe('No block was finished.')
    expect(of(1, variants.slice(0, 1))).toBe('1 block of 4 is kept.')
    expect(of(4, variants)).toBe(
      '4 blocks of 4, 48 of 48 steps of exact-r8-refined, 18 of 48 steps of zero-r8-refined are kept.'
    )
  })

  it('has layers of the start', () => {
    expect(variants.map(({ name }) => ofStart(run, name))).toEqual([false, true, true])
  })
})
