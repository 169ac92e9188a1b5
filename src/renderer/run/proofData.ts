import type { LayerRow, RunProof } from '../../shared/contract/proof'
import {
  bestVariant,
  gapSentence,
  lossRemoved,
  lossSentence,
  quantizerLabel,
  relativeErrors,
  variantGap
} from '../../shared/proof'
import type { LayerResult, Perplexities } from '../../shared/runEvents'
import type { ChartTable } from '../charts/chartTable'
import type { PerplexityFigures } from '../charts/PerplexityAxis'
import type { StripCell } from '../charts/stripCells'
import { formatNumber, formatShare } from '../format/numbers'
import { nameInBlock } from './layerNames'

/* What the page of a run shows, worked out of the run's figures. */

/** The variant to begin with: the best on the first text; without any, the last one, as recipes go from simple to good. */
export function firstVariant({ perplexity, variants }: Pick<RunProof, 'perplexity' | 'variants'>): string {
  const [measured] = Object.values(perplexity)
  return (bestVariant(measured, variants) ?? variants.at(-1))?.name ?? ''
}

/** What the run proved of one variant; undefined before anything is measured. */
export function resultSentence(run: RunProof, variant: string, layers: readonly LayerRow[]): string | undefined {
  const spec = run.variants.find(({ name }) => name === variant)
  const [text, measured] = Object.entries(run.perplexity)[0] ?? []
  if (spec !== undefined && text !== undefined && measured?.variants[variant] !== undefined) {
    return `${gapSentence(text, measured, spec)}.`
  }
  const own = layers.filter((row) => row.variant === variant)
  if (run.status !== 'completed' || own.length === 0) return undefined
  return `${lossSentence(variant, own)}.`
}

/** The figures of one evaluation text, variants from the best to the worst. */
export function perplexityFigures(measured: Perplexities, variants: RunProof['variants']): PerplexityFigures {
  const keys = [...new Set(variants.map(({ quantizer }) => quantizer))]
  return {
    fullPrecision: measured.fullPrecision,
    quantized: keys.map((key) => ({
      label: keys.length === 1 ? `quantized (${quantizerLabel(key)})` : quantizerLabel(key, keys),
      perplexity: measured.quantizers[key] ?? measured.quantized
    })),
    variants: variants
      .flatMap((variant) => {
        const perplexity = measured.variants[variant.name]
        if (perplexity === undefined) return []
        const { name, method, quantizer } = variant
        const quantized = measured.quantizers[quantizer] ?? measured.quantized
        return [{ name, method, perplexity, quantized, gapClosed: variantGap(measured, variant) }]
      })
      .sort((a, b) => a.perplexity - b.perplexity)
  }
}

/** The cells of one variant in the order of the model. */
export const stripCells = (layers: readonly LayerRow[], variant: string): StripCell[] =>
  layers
    .filter((row) => row.variant === variant && row.block !== null)
    .map((row) => {
      const { before, after } = relativeErrors({ ...row, eigenvalues: [] })
      return {
        layer: row.name,
        block: row.block as number,
        linear: nameInBlock(row.name),
        share: lossRemoved(row) ?? 1,
        details: [
          { label: 'before', value: formatShare(before) },
          { label: 'after, as stored', value: formatShare(after) },
          { label: 'certificate', value: formatNumber(row.certificate) }
        ]
      }
    })

/** Where the colours of the strip end: the next 10 % above what any variant reaches. */
export function stripMax(layers: readonly LayerRow[]): number {
  const best = layers.reduce((max, row) => Math.max(max, lossRemoved(row) ?? 0), 0)
  return Math.min(1, Math.max(0.1, Math.ceil(best * 10 - 1e-9) / 10))
}

/** A layer of the table: its figures, relative where that makes layers comparable. */
export interface LayerLine extends ReturnType<typeof relativeErrors> {
  readonly row: LayerRow
  readonly removed: number | undefined
  /** Calibrated or plain error is larger than without the adapter. */
  readonly worse: boolean
}

export const layerLines = (layers: readonly LayerRow[], variant: string): LayerLine[] =>
  layers
    .filter((row) => row.variant === variant)
    .map((row) => ({
      ...relativeErrors({ ...row, eigenvalues: [] }),
      row,
      removed: lossRemoved(row),
      worse: isWorse(row)
    }))

/** Rounding noise is no harm: a thousandth of the error is. */
export const isWorse = ({ loss, lossRank0, frobenius, frobeniusRank0 }: LayerRow | LayerResult): boolean =>
  loss > lossRank0 * 1.001 || frobenius > frobeniusRank0 * 1.001

/** Every figure of every variant's layers, as they were computed. */
export const layersTable = (layers: readonly LayerRow[]): ChartTable => ({
  columns: [
    'layer',
    'variant',
    'block',
    'out',
    'in',
    'loss without adapter',
    'loss as stored',
    'loss in bfloat16',
    'share removed',
    'certificate',
    'rank for 90 % of the gain',
    'squared error without adapter',
    'squared error as stored',
    'squared norm of the weight',
    'output energy'
  ],
  rows: layers.map((row) => [
    row.name,
    row.variant,
    row.block,
    ...row.shape,
    row.lossRank0,
    row.loss,
    row.lossBfloat16,
    lossRemoved(row) ?? null,
    row.certificate,
    row.rankFor90,
    row.frobeniusRank0,
    row.frobenius,
    row.weightNorm,
    row.outputEnergy
  ])
})
