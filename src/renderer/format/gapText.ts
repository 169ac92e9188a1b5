import type { QuantizerResult } from '../../shared/headline'
import { GAP_UNCLEAR } from '../../shared/uncertainty'
import { formatPercent, formatShareEstimate } from './numbers'

type Result = Pick<QuantizerResult<unknown>, 'distinctGap'>
type Figures = Pick<QuantizerResult<unknown>['variants'][number], 'gapClosed' | 'statistics' | 'distinctFromBase'>

/** What is said of the gap where there is only room for a word: `63.7 %`, `no gap`, `≈ quantized`, `gap unclear`. */
export function gapWord({ distinctGap }: Result, { gapClosed, distinctFromBase }: Figures): string {
  if (distinctGap === false) return GAP_UNCLEAR
  if (gapClosed === undefined) return 'no gap'
  return distinctFromBase === false ? '≈ quantized' : formatPercent(gapClosed)
}

/** The share of the gap with its standard error, `63.7 ± 4.7 %`, or why there is none. */
export const gapEstimate = (result: Result, { gapClosed, statistics, ...rest }: Figures): string =>
  result.distinctGap === false || gapClosed === undefined
    ? gapWord(result, { gapClosed, statistics, ...rest })
    : formatShareEstimate(gapClosed, statistics?.gapClosed?.standardError)
