import { describe, expect, test } from 'vitest'
import { gapEstimate, gapWord } from '../../../../src/renderer/format/gapText'

const figures = (share: number | undefined, distinctFromBase?: boolean, standardError?: number) =>
  ({
    gapClosed: share,
    distinctFromBase,
    statistics: standardError === undefined ? undefined : { gapClosed: { share, standardError } }
  }) as Parameters<typeof gapWord>[1]

describe('what is said of a gap', () => {
  test.each([
    ['a share with its standard error', true, figures(0.637, true, 0.047), '63.7 %', '63.7 ± 4.7 %'],
    ['a share alone, of an older run', undefined, figures(0.637), '63.7 %', '63.7 %'],
    ['a loss, with a real minus', true, figures(-0.31, true, 0.05), '−31.0 %', '−31.0 ± 5.0 %'],
    ['that it is as good as quantized', true, figures(0.02, false, 0.05), '≈ quantized', '2.0 ± 5.0 %'],
    ['that there may be no gap', false, figures(0.5, true, 3), 'gap unclear', 'gap unclear'],
    ['that there may be no gap, where there seems to be none', false, figures(undefined), 'gap unclear', 'gap unclear'],
    ['that there is none', true, figures(undefined, true), 'no gap', 'no gap']
  ] as const)('%s', (_, distinctGap, of, word, estimate) => {
    expect(gapWord({ distinctGap }, of)).toBe(word)
    expect(gapEstimate({ distinctGap }, of)).toBe(estimate)
  })
})
