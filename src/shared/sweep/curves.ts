import { groupBy } from '../groupBy'
import { quantizerLabel } from '../quantizerWords'
import { treatedName, treatmentKey } from '../treatment'
import { LABEL_BREAK } from '../variantLabels'
import type { SeedEstimate } from './estimates'
import type { SweepBase, SweepFigures, SweepResults, SweptVariant } from './results'

/** What a sweep shows against rank. */
export const SWEEP_FIGURES = {
  klDivergence: { label: 'KL divergence', hint: 'from full precision, nats, lower is better' },
  perplexity: { label: 'perplexity', hint: 'lower is better' },
  gapClosed: { label: 'gap closed', hint: 'share of the damage that is repaired, higher is better' }
} as const
export type SweepFigureName = keyof typeof SWEEP_FIGURES

/** One method on one base, by rank. */
export interface SweepCurve {
  readonly key: string
  readonly label: string
  readonly variant: SweptVariant
  readonly points: readonly { readonly name: string; readonly rank: number; readonly estimate: SeedEstimate }[]
}

/** A value that no calibration moves. */
export interface SweepReference {
  readonly label: string
  readonly value: number
}

/** One figure on one text after one calibration set: a curve for each method, ranks by layer or not, refined or not, and quantizer. */
export function sweepCurves(
  { figures, bases }: SweepResults,
  figure: SweepFigureName,
  set: string,
  text: string
): { readonly lines: readonly SweepCurve[]; readonly references: readonly SweepReference[] } {
  const own = figures.filter((one) => one.set === set && one.text === text)
  const quantizers = [...new Set(own.map(({ variant }) => variant.quantizer))]
  const groups = groupBy(own, ({ variant }) =>
    JSON.stringify([variant.method, treatmentKey(variant), variant.quantizer])
  )
  const lines = [...groups].map(([key, members]) => {
    const { variant } = members[0] as SweepFigures
    const label = [
      treatedName(variant.method, variant),
      ...(quantizers.length > 1 ? [quantizerLabel(variant.quantizer, quantizers)] : [])
    ].join(LABEL_BREAK)
    const points = members
      .flatMap(({ variant: { name, rank }, [figure]: estimate }) => (estimate ? [{ name, rank, estimate }] : []))
      .sort((a, b) => a.rank - b.rank)
    return { key, label, variant, points }
  })
  const onText = bases.filter((base) => base.text === text)
  return { lines: lines.filter(({ points }) => points.length > 0), references: referencesOf(figure, onText) }
}

function referencesOf(figure: SweepFigureName, bases: readonly SweepBase[]): SweepReference[] {
  const [first] = bases
  if (figure !== 'perplexity' || first === undefined) return []
  return [{ label: 'full precision', value: first.fullPrecision }]
}

type Points = Pick<SweepCurve, 'points'>

/** Length of the error bar of a point, one way: over seeds, or over rows while fewer than two seeds are done. */
export const barOf = ({ deviation, rowError }: SeedEstimate): number => deviation ?? rowError ?? 0

/** What the bars of these curves are. */
export function barWords(lines: readonly Points[]): string {
  const points = lines.flatMap((line) => line.points)
  const seeded = points.filter(({ estimate }) => estimate.deviation !== undefined).length
  if (seeded === 0) return 'one standard error over rows'
  const overSeeds = 'one standard deviation over seeds'
  return seeded === points.length ? overSeeds : `${overSeeds}, or standard error over rows where one seed is done`
}
