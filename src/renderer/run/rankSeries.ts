import { methodShape } from '../../shared/chartColors'
import type { LayerRow, ProofVariant } from '../../shared/contract/proof'
import type { RankChoice } from '../../shared/rankBudget'
import { variantLabels } from '../../shared/variantLabels'
import type { ChartTable } from '../charts/chartTable'
import type { Palette } from '../charts/palette'
import type { PlotMark, PlotSeries } from '../charts/plot'

/** A variant whose rank budget has something to tell. */
export interface ChosenVariant extends ProofVariant {
  readonly ranks: RankChoice
}

export const chosenVariants = (variants: readonly ProofVariant[]): ChosenVariant[] =>
  variants.flatMap((variant) => (variant.ranks === null ? [] : [{ ...variant, ranks: variant.ranks }]))

const layersOf = (layers: readonly LayerRow[], { name }: ChosenVariant): LayerRow[] =>
  layers.filter(({ variant }) => variant === name)

/** The rank of every layer, a line for each variant with its name at its end, and dashes at each mean. */
export function rankSeries(variants: readonly ChosenVariant[], layers: readonly LayerRow[], palette: Palette) {
  const labels = variantLabels(variants)
  const colors = palette.series.filter((color) => color !== palette.quantized)
  const lines = variants.map((variant, i): PlotSeries => {
    const points = layersOf(layers, variant).map(({ rank = variant.rank }, place) => ({ x: place + 1, y: rank }))
    const color = colors[i % colors.length] as string
    return { key: variant.name, label: labels[i] as string, color, points }
  })
  const count = Math.max(1, ...lines.map(({ points }) => points.length))
  const means = [...new Set(variants.map(({ rank }) => rank))].map(
    (rank): PlotSeries => ({
      key: `rank ${rank}`,
      label: `rank ${rank} everywhere`,
      color: palette.quantized,
      dashed: true,
      points: Array.from({ length: count }, (_, i) => ({ x: i + 1, y: rank }))
    })
  )
  const marks = lines.flatMap(({ key, label, color, points }, i): PlotMark[] => {
    const last = points.at(-1)
    return last === undefined ? [] : [{ key, label, color, shape: methodShape(variants[i]?.method ?? ''), ...last }]
  })
  return { series: [...lines, ...means], marks }
}

export function rankTable(variants: readonly ChosenVariant[], layers: readonly LayerRow[]): ChartTable {
  return {
    columns: ['variant', 'layer', 'rank'],
    rows: variants.flatMap((variant) =>
      layersOf(layers, variant).map(({ name, rank = variant.rank }) => [variant.name, name, rank])
    )
  }
}
