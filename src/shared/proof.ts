import { figureText } from './figureText'
import { plural } from './plural'
import { quantizerLabel } from './quantizerWords'
import { gapClosed, type LayerResult, type Perplexities } from './runEvents'
import { distinguishable, subject } from './uncertainty'

/*
 * What the figures of a run say, for the window, the command line and reports alike.
 */

type Losses = Pick<LayerResult, 'loss' | 'lossRank0'>

/** 1 − loss / loss at rank 0: the share of the calibrated error that the adapter removes; undefined where there is none. */
export const lossRemoved = ({ loss, lossRank0 }: Losses): number | undefined =>
  lossRank0 > 0 ? 1 - loss / lossRank0 : undefined

/** Mean over the linears that have an error to remove; NaN when none has. */
export function meanLossRemoved(layers: readonly Losses[]): number {
  const shares = layers.map(lossRemoved).filter((share) => share !== undefined)
  return shares.reduce((sum, share) => sum + share, 0) / shares.length
}

/** Of which linears that is the mean: `28 linears`; undefined where none has an error. */
export function linearsWithError(layers: readonly Losses[]): string | undefined {
  const count = layers.filter(({ lossRank0 }) => lossRank0 > 0).length
  if (count === 0) return undefined
  return count === layers.length
    ? plural(count, 'linear')
    : `${count} of ${plural(layers.length, 'linear')}, those with an error`
}

/** Calibrated error relative to the output's energy, and plain error relative to the weight's: comparable between layers. */
export const relativeErrors = (layer: LayerResult) => ({
  before: ratio(layer.lossRank0, layer.outputEnergy),
  after: ratio(layer.loss, layer.outputEnergy),
  afterBfloat16: ratio(layer.lossBfloat16, layer.outputEnergy),
  plainBefore: ratio(layer.frobeniusRank0, layer.weightNorm),
  plainAfter: ratio(layer.frobenius, layer.weightNorm)
})

const ratio = (part: number, whole: number): number => (whole > 0 ? part / whole : 0)

/** Layers that got worse first, then those of which the least was removed. */
export const worstFirst = <T extends { readonly result: Losses }>(layers: readonly T[]): T[] =>
  [...layers].sort((a, b) => (lossRemoved(a.result) ?? 1) - (lossRemoved(b.result) ?? 1))

/**
 * What the best correction of each rank leaves of the calibrated error: at index r, 1 − Σ λᵢ / loss at rank 0, i ≤ r.
 *
 * A run computes the eigenvalues of its largest rank, or all of them when the linear is small; the few that the solver
 * keeps beyond are only bounds, and left out.
 *
 * @param maxRank - the largest rank among the variants on this linear
 * @returns shares from index 0 (which is 1); [1] when there is no error
 */
export function rankCurve({ eigenvalues, lossRank0, shape }: LayerResult, maxRank: number): number[] {
  const left = [1]
  if (!(lossRank0 > 0)) return left
  const known = eigenvalues.length >= Math.min(...shape) ? eigenvalues.length : Math.min(maxRank, eigenvalues.length)
  let loss = lossRank0
  for (const value of eigenvalues.slice(0, known)) {
    loss = Math.max(0, loss - Math.max(0, value))
    left.push(loss / lossRank0)
  }
  return left
}

/**
 * What ranks beyond the curve leave at least: every further eigenvalue is at most the last one known.
 * @returns points from the end of the curve to `rank`, or to where nothing is left
 */
export function rankCurveBound(left: readonly number[], rank: number): { readonly x: number; readonly y: number }[] {
  const end = left.length - 1
  const last = left[end] ?? 1
  const step = (left[end - 1] ?? last) - last
  if (end < 1 || step <= 0 || last <= 0) return []
  const points = []
  for (let r = end + 1; r <= rank; r++) points.push({ x: r, y: Math.max(0, last - (r - end) * step) })
  return points
}

/** The smallest rank whose best correction reaches this share of what `rank` can gain; 0 when nothing can be gained. */
export function rankForGain({ eigenvalues }: Pick<LayerResult, 'eigenvalues'>, rank: number, share = 0.9): number {
  const gains = eigenvalues.slice(0, rank).map((value) => Math.max(0, value))
  const wanted = share * gains.reduce((sum, gain) => sum + gain, 0)
  if (!(wanted > 0)) return 0
  let sum = 0
  for (const [i, gain] of gains.entries()) {
    sum += gain
    if (sum >= wanted * (1 - 1e-12)) return i + 1
  }
  return gains.length
}

/** A variant as its sentence needs it. */
export interface ProvenVariant {
  readonly name: string
  readonly quantizer: string
}

/** The perplexity of the quantized model that variants of this quantizer repair; NaN where it was not measured. */
export const quantizedPerplexity = ({ quantizers }: Perplexities, quantizer: string): number =>
  quantizers[quantizer] ?? Number.NaN

/**
 * What a variant was proven to do on a text, in one sentence:
 * `quailora-r16 closes 64 ± 5 % of the NF4 gap on sotu-evaluation: 86.65 → 85.93 (full precision 85.53)`.
 *
 * ± is the standard error, of runs that know it; what their rows do not tell apart is said not to be distinguishable.
 */
export function gapSentence(
  text: string,
  measured: Perplexities,
  variant: ProvenVariant,
  format = quantizerLabel(variant.quantizer)
): string {
  const quantized = quantizedPerplexity(measured, variant.quantizer)
  const reached = measured.variants[variant.name] ?? Number.NaN
  const on = text.replace(/\.(txt|jsonl?)$/, '')
  const figures = `${figureText(quantized)} → ${figureText(reached)} (full precision ${figureText(measured.fullPrecision)})`
  const closed = gapClosed(measured.fullPrecision, quantized, reached)
  const base = subject.quantizer(variant.quantizer)
  if (distinguishable(measured, base, subject.full) === false)
    return `${format} is not distinguishable from full precision on ${on}, so no share of its gap is told: ${variant.name} ${figures}`
  if (closed === undefined)
    return `${format} costs nothing on ${on}, so there is no gap to close: ${variant.name} ${figures}`
  if (distinguishable(measured, subject.variant(variant.name), base) === false)
    return `${variant.name} is not distinguishable from plain ${format} on ${on}: ${figures}`
  const error = measured.statistics?.variants[variant.name]?.gapClosed?.standardError
  const share = percentText(Math.abs(closed), error)
  if (Math.round(100 * closed) < 0) return `${variant.name} widens the ${format} gap on ${on} by ${share}: ${figures}`
  return `${variant.name} closes ${share} of the ${format} gap on ${on}: ${figures}`
}

/** A share in whole per cent, or with the decimals that its standard error asks for: `64 %`, `64 ± 5 %`, `92.3 ± 0.4 %`. */
export function percentText(share: number, error: number | null | undefined): string {
  if (!error) return `${Math.round(100 * share)} %`
  const decimals = error >= 0.0095 ? 0 : 1
  return `${(100 * share).toFixed(decimals)} ± ${(100 * error).toFixed(decimals)} %`
}

/** What a variant was proven to do where no text was given to measure perplexity on. */
export function lossSentence(variant: string, layers: readonly Losses[]): string {
  const linears = linearsWithError(layers)
  const removed =
    linears === undefined
      ? 'has nothing to remove: no linear has a calibrated error'
      : `removes ${(100 * meanLossRemoved(layers)).toFixed(1)} % of the calibrated error, mean over ${linears}`
  return `${variant} ${removed}; no evaluation text was given`
}
