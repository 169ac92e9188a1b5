import { methodShape } from '../../shared/chartColors'
import type { ProofVariant } from '../../shared/contract/proof'
import { groupBy } from '../../shared/groupBy'
import { quantizerLabel } from '../../shared/quantizerWords'
import { keptDivergence, type RefinementResult } from '../../shared/refinement'
import { refinementSentence, refiningSentence } from '../../shared/refinementWords'
import { variantLabels } from '../../shared/variantLabels'
import type { ChartTable } from '../charts/chartTable'
import { methodColor, type Palette } from '../charts/palette'
import type { PlotMark, PlotSeries } from '../charts/plot'

/** A variant whose refinement has something to tell. */
export interface RefinedVariant extends ProofVariant {
  readonly refinement: RefinementResult
}

export const refinedVariants = (variants: readonly ProofVariant[]): RefinedVariant[] =>
  variants.flatMap((variant) => (variant.refinement === null ? [] : [{ ...variant, refinement: variant.refinement }]))

/** Divergence on the held-out rows against steps: a line for each variant, dashes without an adapter, a mark at what is kept. */
export function refinementCurves(variants: readonly RefinedVariant[], palette: Palette) {
  const colors = colorsOf(variants, palette)
  const labels = variantLabels(variants)
  const lines = variants.map(
    ({ name, refinement: { curve } }, i): PlotSeries => ({
      key: name,
      label: labels[i] as string,
      color: colors[i] as string,
      points: curve.flatMap(({ steps, divergence }) => (divergence === null ? [] : [{ x: steps, y: divergence }]))
    })
  )
  const marks = variants.map(
    ({ name, method, refinement }, i): PlotMark => ({
      key: `${name} kept`,
      label: `${labels[i]}, ${isOver(refinement) ? 'kept' : 'best so far'}`,
      color: colors[i] as string,
      shape: methodShape(method),
      x: refinement.kept === 'zero' ? 0 : refinement.kept,
      y: keptDivergence(refinement)
    })
  )
  return { series: [...lines, ...basesOf(variants, palette)], marks }
}

/** A dashed line for each quantizer: what its base has without an adapter, at every step. */
function basesOf(variants: readonly RefinedVariant[], palette: Palette): PlotSeries[] {
  const bases = groupBy(variants, ({ quantizer }) => quantizer)
  const keys = [...bases.keys()]
  const places = stepsOf(variants)
  return [...bases].map(([quantizer, [first]]): PlotSeries => {
    const { quantized } = (first as RefinedVariant).refinement
    return {
      key: `without adapter ${quantizer}`,
      label: keys.length > 1 ? `${quantizerLabel(quantizer, keys)} without adapter` : 'without adapter',
      color: palette.quantized,
      dashed: true,
      points: places.map((x) => ({ x, y: quantized }))
    }
  })
}

/** Every number of steps that a curve has, and to which a refinement goes; ascending. */
const stepsOf = (variants: readonly RefinedVariant[]): number[] =>
  [
    ...new Set(variants.flatMap(({ refinement: { steps, curve } }) => [steps, ...curve.map((point) => point.steps)]))
  ].sort((a, b) => a - b)

/** The colour of the method, or one of the series where several variants have the same method. */
function colorsOf(variants: readonly RefinedVariant[], palette: Palette): string[] {
  const methods = new Set(variants.map(({ method }) => method))
  if (methods.size === variants.length) return variants.map(({ method }) => methodColor(palette, method))
  const series = palette.series.filter((color) => color !== palette.quantized)
  return variants.map((_, i) => series[i % series.length] as string)
}

/** The curves as a table: a line for each check. */
export const refinementTable = (variants: readonly RefinedVariant[]): ChartTable => ({
  columns: ['steps', ...variants.flatMap(({ name }) => [name, `${name}: without adapter`, `${name}: kept`])],
  rows: stepsOf(variants).map((at) => [
    at,
    ...variants.flatMap(({ refinement: { curve, quantized, kept } }) => {
      const point = curve.find(({ steps }) => steps === at)
      const isKept = kept === at ? 'kept' : kept === 'zero' && at === 0 ? 'no adapter' : ''
      return [point === undefined ? null : (point.divergence ?? 'not finite'), quantized, isKept]
    })
  ])
})

/** Whether the held-out rows were asked for the last time. */
const isOver = ({ curve, steps }: RefinementResult): boolean => curve.at(-1)?.steps === steps

/** What became of a refinement, or how far it is while it goes. */
export function refinementText({ name, refinement }: RefinedVariant): string {
  return `${name}: ${isOver(refinement) ? refinementSentence(refinement) : refiningSentence(refinement)}.`
}
