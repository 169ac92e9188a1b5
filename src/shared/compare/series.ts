import { groupBy } from '../groupBy'
import { quantizerLabel } from '../quantizerWords'
import { type Treatment, treatedName, treatmentKey } from '../treatment'
import { LABEL_BREAK } from '../variantLabels'
import type { ComparedRun, VariantCurve } from './comparedRun'
import type { ComparisonRow } from './rows'

export interface RankPoint {
  readonly key: string
  readonly rank: number
  readonly perplexity: number
}

/** The rows of one method on one base, by rank. */
export interface RankSeries extends Treatment {
  readonly key: string
  readonly method: string
  readonly quantizer: string
  readonly label: string
  readonly points: readonly RankPoint[]
}

/** Perplexity on a text against rank: a series for each method, ranks by layer or not, refined or not, and where there are several, each model and quantizer. */
export function rankSeries(rows: readonly ComparisonRow[], text: string): RankSeries[] {
  const measured = rows.filter(({ perplexity }) => perplexity[text] !== undefined)
  const models = new Set(measured.map(({ run }) => run.model))
  const quantizers = new Set(measured.map(({ variant }) => variant.quantizer))
  const groups = groupBy(measured, ({ run, variant }) =>
    JSON.stringify([variant.method, treatmentKey(variant), run.model, variant.quantizer])
  )
  return [...groups].map(([key, members]) => {
    const { run, variant } = members[0] as ComparisonRow
    const label = [
      treatedName(variant.method, variant),
      ...(models.size > 1 ? [lastPart(run.model)] : []),
      ...(quantizers.size > 1 ? [quantizerLabel(variant.quantizer, [...quantizers])] : [])
    ].join(LABEL_BREAK)
    const points = members
      .map((row) => ({ key: row.key, rank: row.variant.rank, perplexity: row.perplexity[text]?.adapter as number }))
      .sort((a, b) => a.rank - b.rank || a.perplexity - b.perplexity)
    const { method, quantizer, refined, ranksByLayer } = variant
    return { key, method, quantizer, refined, ...(ranksByLayer && { ranksByLayer }), label, points }
  })
}

const lastPart = (path: string): string => path.split(/[\\/]/).filter(Boolean).at(-1) ?? path

/** What is left of the calibrated error after each rank, by the best correction; its variants lie on it or above. */
export interface ErrorCurve {
  readonly key: string
  readonly label: string
  /** At index r: the share that rank r leaves. */
  readonly left: readonly number[]
}

/**
 * One curve for each quantized base among the variants: the base's error and the calibration decide the eigenvalues, not
 * the method. Curves that would lie on each other are drawn once, under the names of their runs.
 */
export function errorCurves(
  curves: readonly VariantCurve[],
  runs: readonly Pick<ComparedRun, 'id' | 'title'>[]
): ErrorCurve[] {
  const titles = new Map(runs.map(({ id, title }) => [id, title]))
  const bases = groupBy(curves, ({ run, quantizer }) => JSON.stringify([run, quantizer]))
  const quantizers = [...new Set(curves.map(({ quantizer }) => quantizer))]
  const drawn = new Map<string, { key: string; names: Set<string>; left: number[] }>()
  for (const [key, members] of bases) {
    const longest = members.reduce((a, b) => (b.rank > a.rank ? b : a))
    const left = leftAfter(longest)
    const format = quantizers.length > 1 ? [quantizerLabel(longest.quantizer, quantizers)] : []
    const name = [titles.get(longest.run) ?? longest.run, ...format].join(LABEL_BREAK)
    const shape = JSON.stringify(left)
    const same = drawn.get(shape)
    if (same === undefined) drawn.set(shape, { key, names: new Set([name]), left })
    else same.names.add(name)
  }
  return [...drawn.values()].map(({ key, names, left }) => ({ key, label: [...names].join(', '), left }))
}

function leftAfter({ lossRank0, eigenvalues }: VariantCurve): number[] {
  const left = [1]
  if (!(lossRank0 > 0)) return left
  let loss = lossRank0
  for (const value of eigenvalues) {
    loss = Math.max(0, loss - Math.max(0, value))
    left.push(loss / lossRank0)
  }
  return left
}
