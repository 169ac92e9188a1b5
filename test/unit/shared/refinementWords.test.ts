import { describe, expect, it } from 'vitest'
import { keptOf, type RefinementResult } from '../../../src/shared/refinement'
import {
  changeText,
  layersAreOfStart,
  refinementSentence,
  refinementSettings,
  refiningSentence
} from '../../../src/shared/refinementWords'

const settings = { steps: 48, batch: 4, learningRate: 0.04, rows: 56, heldOutRows: 8, heldOutTokens: 2040 }

function result(quantized: number, ...divergences: (number | null)[]): RefinementResult {
  const curve = divergences.map((divergence, i) => ({ steps: 24 * i, divergence }))
  return { ...settings, quantized, curve, kept: keptOf(quantized, curve) }
}

describe('what a refinement kept, and why', () => {
  it.each([
    [
      'a later state',
      result(0.00834, 0.0033, 0.0027, 0.00243),
      'held-out KL 0.00330 → 0.00243 (−26 %), kept after 48 of 48 steps; without an adapter 0.00834'
    ],
    [
      'a state before the last',
      result(0.00834, 0.0033, 0.0027, 0.0028),
      'held-out KL 0.00330 → 0.00270 (−18 %), kept after 24 of 48 steps; without an adapter 0.00834'
    ],
    [
      'a gain that rounds to nothing',
      result(0.00834, 0.0033, 0.003299),
      'held-out KL 0.00330 → 0.00330 (<1 %), kept after 24 of 48 steps; without an adapter 0.00834'
    ],
    [
      'the start',
      result(0.00834, 0.0033, 0.0041, 0.0035),
      'the start was kept, no later state was better: held-out KL 0.00330, 0.00350 at best after it; without an adapter 0.00834'
    ],
    [
      'the start, where the steps lost their way',
      result(0.00834, 0.0033, null, null),
      'the start was kept, no later state was better: held-out KL 0.00330, not finite after it: the learning rate is too large; without an adapter 0.00834'
    ],
    [
      'the start before the first step',
      result(0.00834, 0.0033),
      'the start was kept, no later state was better: held-out KL 0.00330; without an adapter 0.00834'
    ],
    [
      'no adapter',
      result(0.002, 0.0033, 0.0025),
      'no adapter is best, lora_B is 0: held-out KL 0.00200 without an adapter, 0.00330 at the start, 0.00250 at best after it'
    ]
  ])('%s', (_, refinement, sentence) => {
    expect(refinementSentence(refinement)).toBe(sentence)
  })

  it('is told while it goes', () => {
    expect(refiningSentence(result(0.00834, 0.0033))).toBe(
      'held-out KL 0.00330 at the start, 0.00834 without an adapter'
    )
    expect(refiningSentence(result(0.00834, 0.0033, 0.0027))).toBe(
      'held-out KL 0.00270 after 24 of 48 steps; 0.00330 at the start'
    )
    expect(refiningSentence(result(0.00834, 0.0033, null))).toBe(
      'held-out KL not finite after 24 of 48 steps; 0.00330 at the start'
    )
  })

  it('comes with what it was made of', () => {
    expect(refinementSettings(result(1, 0.5))).toBe(
      "48 steps of 4 rows out of 56, largest step 4 % of an entry's size; 8 rows (2,040 tokens) held out"
    )
    expect(refinementSettings({ ...result(1, 0.5), rows: 3 })).toMatch(/^48 steps of 3 rows out of 3, /)
    expect(refinementSettings({ ...result(1, 0.5), steps: 1, batch: 1, heldOutRows: 1, learningRate: 0.09189 })).toBe(
      "1 step of 1 row out of 56, largest step 9.19 % of an entry's size; 1 row (2,040 tokens) held out"
    )
  })

  it('has a change only from another finite figure', () => {
    expect(changeText(null, 0.5)).toBe('0.500')
    expect(changeText(0.5, 0.5)).toBe('0.500')
    expect(changeText(0.5, 0.6)).toBe('0.500 → 0.600 (+20 %)')
  })
})

it('figures of layers are the adapter’s own only where the start was kept', () => {
  const of = (refined: boolean, refinement: RefinementResult | null) => layersAreOfStart({ refined, refinement })
  expect([of(false, null), of(true, result(1, 0.5, 0.6))]).toEqual([false, false])
  expect([of(true, null), of(true, result(1, 0.5, 0.4)), of(true, result(0.1, 0.5, 0.4))]).toEqual([true, true, true])
})
