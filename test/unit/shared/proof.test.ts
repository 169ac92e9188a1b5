import { describe, expect, it } from 'vitest'
import {
  gapSentence,
  lossRemoved,
  lossSentence,
  meanLossRemoved,
  rankCurve,
  rankCurveBound,
  rankForGain,
  worstFirst
} from '../../../src/shared/proof'
import { quantizerLabel } from '../../../src/shared/quantizerWords'
import type { LayerResult, Perplexities } from '../../../src/shared/runEvents'
import { measuredText } from '../../helpers/measured'

const layer = (change: Partial<LayerResult> = {}): LayerResult => ({
  name: 'model.layers.0.mlp.up_proj',
  shape: [64, 32],
  lossRank0: 10,
  loss: 4,
  lossBfloat16: 4.1,
  certificate: 0.99,
  frobeniusRank0: 2,
  frobenius: 1.5,
  weightNorm: 100,
  outputEnergy: 1000,
  eigenvalues: [4, 2, 1, 0.5],
  ...change
})

const measured: Perplexities = {
  tokens: 100,
  fullPrecision: 85.53,
  quantizers: { 'nf4-b64-dq': 86.65, 'nf4-b128': 87.65 },
  variants: { 'quailora-r16': 85.93, 'exact-r16': 85.95, 'svd-b128': 87.65, worse: 87 }
}
const on = (name: string, quantizer = 'nf4-b64-dq') => ({ name, quantizer })

describe('the share of the error removed', () => {
  it('is undefined where there is no error', () => {
    expect(lossRemoved({ loss: 4, lossRank0: 10 })).toBeCloseTo(0.6)
    expect(lossRemoved({ loss: 0, lossRank0: 0 })).toBeUndefined()
    expect(meanLossRemoved([layer(), layer({ loss: 6 }), layer({ loss: 0, lossRank0: 0 })])).toBeCloseTo(0.5)
  })

  it('sorts layers that got worse first', () => {
    const layers = [layer(), layer({ loss: 11 }), layer({ loss: 9 }), layer({ lossRank0: 0, loss: 0 })]
    expect(worstFirst(layers.map((result) => ({ result }))).map(({ result }) => result.loss)).toEqual([11, 9, 4, 0])
  })
})

describe('rankCurve', () => {
  it('subtracts one eigenvalue for each rank, up to the largest rank that was asked for', () => {
    expect(rankCurve(layer(), 3)).toEqual([1, 0.6, 0.4, 0.3].map((share) => expect.closeTo(share, 12)))
  })

  it('goes through all ranks where all eigenvalues are known, and never below nothing', () => {
    const small = layer({ shape: [4, 9], eigenvalues: [6, 3, 1, 1e-9] })
    expect(rankCurve(small, 1)).toEqual([1, 0.4, 0.1, 0, 0].map((share) => expect.closeTo(share, 9)))
  })

  it('is flat where there is no error', () => {
    expect(rankCurve(layer({ lossRank0: 0 }), 3)).toEqual([1])
  })

  it('is bounded below by its last step', () => {
    expect(rankCurveBound([1, 0.6, 0.4], 6)).toEqual([
      { x: 3, y: expect.closeTo(0.2) },
      { x: 4, y: expect.closeTo(0) },
      { x: 5, y: 0 },
      { x: 6, y: 0 }
    ])
    expect(rankCurveBound([1], 6)).toEqual([])
  })
})

describe('rankForGain', () => {
  it('is the rank at which nine tenths of what is possible are reached', () => {
    expect(rankForGain({ eigenvalues: [4, 2, 1, 0.5] }, 4)).toBe(3) // 7 of 7.5
    expect(rankForGain({ eigenvalues: [9, 1] }, 2)).toBe(1)
    expect(rankForGain({ eigenvalues: [1, 1, 1, 1] }, 4)).toBe(4)
    expect(rankForGain({ eigenvalues: [4, 2, 1, 0.5] }, 2)).toBe(2)
    expect(rankForGain({ eigenvalues: [] }, 8)).toBe(0)
  })
})

describe('gapSentence', () => {
  it('says what a variant closes of the gap', () => {
    expect(gapSentence('sotu-evaluation.txt', measured, on('quailora-r16'))).toBe(
      'quailora-r16 closes 64 % of the NF4 gap on sotu-evaluation: 86.65 → 85.93 (full precision 85.53)'
    )
  })

  it('measures the gap from the quantizer that the variant sits on', () => {
    expect(gapSentence('a', measured, on('svd-b128', 'nf4-b128'))).toContain('closes 0 %')
  })

  it('does not call a loss a gain', () => {
    expect(gapSentence('a.txt', measured, on('worse'))).toBe(
      'worse widens the NF4 gap on a by 31 %: 86.65 → 87.00 (full precision 85.53)'
    )
    const harmless = { ...measured, fullPrecision: 86.65 }
    expect(gapSentence('a.txt', harmless, on('quailora-r16'))).toContain('NF4 costs nothing on a')
  })

  it('gives the standard error of a share, and none of what the rows do not tell apart', () => {
    const clear = measuredText({ gap: 0.1, left: { good: 0.25, nothing: 1 } })
    expect(gapSentence('a.txt', clear, on('good'))).toMatch(/^good closes 7\d ± \d % of the NF4 gap on a: /)
    expect(gapSentence('a.txt', clear, on('nothing'))).toMatch(
      /^nothing is not distinguishable from plain NF4 on a: [\d.]+ → [\d.]+ \(full precision [\d.]+\)$/
    )
    const unclear = measuredText({ gap: 1e-4, left: { good: 0.25 } })
    expect(gapSentence('a.txt', unclear, on('good'))).toMatch(
      /^NF4 is not distinguishable from full precision on a, so no share of its gap is told: good [\d.]+ → /
    )
  })

  it('falls back to the calibrated error without a text', () => {
    expect(lossSentence('quailora-r16', [layer(), layer()])).toBe(
      'quailora-r16 removes 60.0 % of the calibrated error, mean over 2 linears; no evaluation text was given'
    )
    expect(lossSentence('quailora-r16', [layer()])).toContain('mean over 1 linear;')
  })

  it('says of how many linears the error is, where some have none', () => {
    const none = layer({ loss: 0, lossRank0: 0 })
    expect(lossSentence('exact-r8', [layer(), none])).toContain('mean over 1 of 2 linears, those with an error; no')
    expect(lossSentence('exact-r8', [none])).toBe(
      'exact-r8 has nothing to remove: no linear has a calibrated error; no evaluation text was given'
    )
  })
})

describe('quantizerLabel', () => {
  it('tells formats apart only where there are several', () => {
    expect(quantizerLabel('nf4-b64-dq')).toBe('NF4')
    expect(quantizerLabel('nf4-b64-dq', ['nf4-b64-dq', 'nf4-b128'])).toBe('NF4 block 64, double-quantized')
    expect(quantizerLabel('fp4-b64-dq')).toBe('FP4')
    expect(quantizerLabel('fp4-b64-dq', ['nf4-b64-dq', 'fp4-b64-dq'])).toBe('FP4')
    expect(quantizerLabel('int8', ['nf4-b64-dq', 'int8'])).toBe('INT8')
    expect(quantizerLabel('nf4-b128', ['nf4-b64-dq', 'nf4-b128'])).toBe('NF4 block 128')
    expect(quantizerLabel('nf4-b128-dq', ['nf4-b64-dq', 'nf4-b128-dq'])).toBe('NF4 block 128')
    expect(quantizerLabel('nf4-b64', ['nf4-b64-dq', 'nf4-b64'])).toBe('NF4 block 64')
    expect(quantizerLabel('nf4-b64-dq', ['nf4-b64-dq', 'nf4-b64'])).toBe('NF4 double-quantized')
  })
})
