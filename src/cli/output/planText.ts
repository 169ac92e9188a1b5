import { coverageSentence } from '../../shared/coverage'
import { durationText } from '../../shared/durationText'
import { figureText } from '../../shared/figureText'
import type { Finding } from '../../shared/findings'
import { keptMomentsSentence } from '../../shared/keptMoments'
import type { Plan, PlannedRefinement, PlannedVariant } from '../../shared/plan'
import { quantizerChoice } from '../../shared/quantizerWords'
import { formatCount, formatParameters, plural } from './numbers'
import { formatSize } from './sizes'
import { renderPairs } from './table'

/** What a run would do and need, for people. */
export function planText(plan: Plan): string[] {
  const { model, quantized, calibration, evaluation, variants } = plan
  const quantizers = quantized.quantizers.map(quantizerChoice).join('; ')
  return renderPairs([
    ['model', `${model.directory}`],
    [
      '',
      `${model.family}, ${formatParameters(model.parameters)} parameters in ${model.dtypes.join(' and ')} (${formatSize(model.bytes)})`
    ],
    [
      '',
      `${plural(model.blocks, 'block')}, hidden size ${model.hiddenSize}, vocabulary ${formatCount(model.vocabularySize)}`
    ],
    [
      'quantized',
      `${plural(quantized.linears, 'linear')}, ${formatParameters(quantized.parameters)} parameters: ${quantizers}`
    ],
    ['calibration', rowsText(calibration)],
    ...(plan.moments ? [['moments', keptMomentsSentence(plan.moments, formatSize)] as [string, string]] : []),
    ['evaluation', evaluation.rows === 0 ? 'none: perplexity will not be measured' : rowsText(evaluation)],
    ...plan.coverage.map((one, i): [string, string] => [i === 0 ? 'coverage' : '', coverageSentence(one)]),
    ...variants.flatMap(variantLines).map((line, i): [string, string] => [i === 0 ? 'variants' : '', line]),
    ['memory', `about ${formatSize(plan.peakMemoryBytes)} at most`],
    ['disk', `${formatSize(plan.spoolBytes)} while it works, ${formatSize(plan.adapterBytes)} for the adapters`],
    ['time', `about ${durationText(1000 * plan.seconds)}`]
  ])
}

const rowsText = ({ rows, tokens }: Plan['calibration']): string => `${plural(rows, 'row')}, ${plural(tokens, 'token')}`

const variantText = ({ name, scaling, linears, parameters, ranks }: PlannedVariant): string => {
  const most = ranks === undefined ? '' : ` at most, ranks ${ranks.floor} to ${ranks.cap} by what they are worth`
  return `${name}: ${plural(linears, 'linear')}, ${formatParameters(parameters)} parameters${most}, scaling ${figureText(scaling)}`
}

const variantLines = (variant: PlannedVariant): string[] =>
  variant.refinement === undefined ? [variantText(variant)] : [variantText(variant), refinementText(variant.refinement)]

/** `  refined in 48 steps of 4 rows out of 56, 8 rows held out; about 42 s of the time`. */
const refinementText = ({ steps, batch, rows, heldOutRows, seconds }: PlannedRefinement): string =>
  `  refined in ${plural(steps, 'step')} of ${plural(batch, 'row')} out of ${formatCount(rows)}, ${plural(heldOutRows, 'row')} held out; about ${durationText(1000 * seconds)} of the time`

/** A finding of the plan as one line; what is good to know is a note. */
export const findingText = ({ severity, message }: Finding): string =>
  `${severity === 'info' ? 'note' : severity}: ${message}`
