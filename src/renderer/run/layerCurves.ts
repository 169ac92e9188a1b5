import { methodShape } from '../../shared/chartColors'
import type { ProofVariant } from '../../shared/contract/proof'
import type { RunLayer } from '../../shared/contract/runs'
import { rankCurve, rankCurveBound } from '../../shared/proof'
import { quantizerLabel } from '../../shared/quantizerWords'
import { layersAreOfStart, startName } from '../../shared/refinementWords'
import { variantLabels } from '../../shared/variantLabels'
import { type Palette, variantColors } from '../charts/palette'
import type { RankMark, RankSeries } from '../charts/RankCurve'

/** A curve for each quantizer of a layer, since its error decides the eigenvalues, and a mark for each variant. */
export function layerCurves(
  variants: readonly ProofVariant[],
  results: readonly RunLayer[],
  palette: Palette
): { readonly series: readonly RankSeries[]; readonly marks: readonly RankMark[] } {
  const found = variants.flatMap((variant) => {
    const proof = results.find((one) => one.variant === variant.name)
    return proof === undefined ? [] : [{ variant, result: proof.result }]
  })
  const keys = [...new Set(found.map(({ variant }) => variant.quantizer))]
  const series = keys.map((key, i): RankSeries => {
    const own = found.filter(({ variant }) => variant.quantizer === key)
    const maxRank = Math.max(...own.map(({ variant, result }) => result.rank ?? variant.rank))
    const left = rankCurve(own[0]!.result, maxRank)
    return {
      key,
      label: keys.length === 1 ? 'best possible' : `best on ${quantizerLabel(key, keys)}`,
      color: keys.length === 1 ? palette.axis : (palette.series[i % palette.series.length] as string),
      left,
      atLeast: rankCurveBound(left, Math.ceil(1.5 * maxRank))
    }
  })
  const together = found.map(({ variant }) => variant)
  const labels = variantLabels(together)
  const colorOf = variantColors(palette, together)
  const marks = found.map(
    ({ variant, variant: { name, method, rank }, result }, i): RankMark => ({
      key: name,
      label: layersAreOfStart(variant) ? startName(labels[i] as string) : (labels[i] as string),
      color: colorOf(variant),
      shape: methodShape(method),
      rank: result.rank ?? rank,
      left: result.lossRank0 > 0 ? result.loss / result.lossRank0 : 0
    })
  )
  return { series, marks }
}
