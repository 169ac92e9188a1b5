import type { ErrorHistogram, InputChannels } from '../../shared/runEvents'
import type { LoraFactors } from '../methods/factors'
import type { LayerProblem } from '../methods/layerProblem'
import type { SecondMoment } from '../methods/secondMoment'
import { countInto, histogram } from '../numerics/histogram'
import { sliceRows } from '../numerics/matrix'

/*
 * What the window shows of one linear beside its figures. It decides nothing: neither factors nor adapters depend on it.
 */

/** Odd, so that errors around zero share one bin. */
const BINS = 41
/** Half width in standard deviations of E: the 4-bit formats leave few errors beyond 4. */
const WIDTH = 4
const TOP_CHANNELS = 8

/** Values of R that exist at a time: they stay in the cache. */
const TILE_VALUES = 2 ** 18

/** The values of E and of R = E − s · B · A, in the same bins: a part of the rows after the other. */
export async function errorHistogram(
  problem: LayerProblem,
  { loraA, loraB }: LoraFactors,
  scaling: number
): Promise<ErrorHistogram> {
  const { range, before } = histogramOfE(problem)
  if (loraB.data.every((value) => value === 0)) return { range, before, after: before }
  const { data: E, rows, cols } = problem.E
  const height = Math.max(1, Math.floor(TILE_VALUES / cols))
  const counts = new Float64Array(BINS)
  for (let begin = 0; begin < rows; begin += height) {
    const end = Math.min(rows, begin + height)
    const { data: R } = await problem.algebra.gemm32(sliceRows(loraB, begin, end), loraA)
    const at = begin * cols
    for (let i = 0; i < R.length; i++) R[i] = (E[at + i] as number) - scaling * (R[i] as number)
    countInto(counts, R, range)
  }
  return { range, before, after: Array.from(counts) }
}

const known = new WeakMap<LayerProblem, Pick<ErrorHistogram, 'range' | 'before'>>()

/** That of E alone, which all variants of a linear share. */
function histogramOfE(problem: LayerProblem): Pick<ErrorHistogram, 'range' | 'before'> {
  const found = known.get(problem)
  if (found !== undefined) return found
  const { data } = problem.E
  const deviation = Math.sqrt(problem.frobeniusRank0 / data.length)
  const range = deviation > 0 ? WIDTH * deviation : 1
  const counted = { range, before: histogram(data, range, BINS) }
  known.set(problem, counted)
  return counted
}

/** The channels with the largest E[x²], the largest first; of equal ones the lower index. */
export function inputChannels({ diagonal }: SecondMoment): InputChannels {
  const mean = diagonal.reduce((sum, value) => sum + value, 0) / diagonal.length
  const order = Array.from(diagonal.keys()).sort((a, b) => (diagonal[b] as number) - (diagonal[a] as number) || a - b)
  return { mean, top: order.slice(0, TOP_CHANNELS).map((index) => ({ index, value: diagonal[index] as number })) }
}
