import type { LayerRow, RunProof } from '../../shared/contract/proof'
import { headlineSentences, recommendations } from '../../shared/headline'
import { lossRemoved, lossSentence, relativeErrors } from '../../shared/proof'
import { layersAreOfStart, startName } from '../../shared/refinementWords'
import type { LayerResult } from '../../shared/runEvents'
import type { ChartTable } from '../charts/chartTable'
import type { StripCell } from '../charts/stripCells'
import { formatNumber, formatShare, plural } from '../format/numbers'
import { nameInBlock } from './layerNames'
import { refinedVariants, refinementText } from './refinementCurves'

/* What the page of a run shows, worked out of the run's figures. */

/** The variant to begin with: the one that is recommended where the gap is largest. */
export const firstVariant = (run: Pick<RunProof, 'perplexity' | 'variants'>): string =>
  recommendations(run)[0]?.variant.name ?? ''

/** Whether the figures of the layers are not this variant's adapter's, but those that its refinement began with. */
export const ofStart = ({ variants }: Pick<RunProof, 'variants'>, variant: string): boolean =>
  variants.some((one) => one.name === variant && layersAreOfStart(one))

/** A variant where it is told what its layers have. */
export const layersName = (run: Pick<RunProof, 'variants'>, variant: string): string =>
  ofStart(run, variant) ? startName(variant) : variant

/** What the run proved, a sentence for each quantizer, one of them about this variant; none before it is measured. */
export function resultSentences(run: RunProof, variant: string, layers: readonly LayerRow[]): string[] {
  const sentences = headlineSentences(run, variant).map((sentence) => `${sentence}.`)
  if (sentences.length > 0) return sentences
  const refined = refinedVariants(run.variants).find(({ name }) => name === variant)
  if (run.status === 'completed' && refined !== undefined) return [refinementText(refined)]
  const own = layers.filter((row) => row.variant === variant)
  return run.status !== 'completed' || own.length === 0 ? [] : [`${lossSentence(variant, own)}.`]
}

/** What an unfinished run keeps: its blocks, and the steps of refinements that its held-out rows were asked after. */
export function kept({ blocksDone, planned, variants }: Pick<RunProof, 'blocksDone' | 'planned' | 'variants'>): string {
  if (blocksDone === 0) return 'No block was finished.'
  const steps = refinedVariants(variants).map(({ name, refinement: { curve, steps: all } }) => {
    return `${curve.at(-1)?.steps ?? 0} of ${plural(all, 'step')} of ${name}`
  })
  const blocks = `${plural(blocksDone, 'block')}${planned === null ? '' : ` of ${planned.blocks}`}`
  return `${[blocks, ...steps].join(', ')} ${blocksDone === 1 && steps.length === 0 ? 'is' : 'are'} kept.`
}

/** What is kept, and where the run goes on. */
export const resumed = (run: Parameters<typeof kept>[0]): string =>
  `${kept(run)} Resume ${run.blocksDone === 0 ? 'begins with the first' : 'goes on from there'}`

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
export const layersTable = (layers: readonly LayerRow[], run: Pick<RunProof, 'variants'>): ChartTable => ({
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
    layersName(run, row.variant),
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
