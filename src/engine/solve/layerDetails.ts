import type { ErrorHistogram, InputChannels } from '../../shared/runEvents'
import type { LoraFactors } from '../methods/factors'
import type { LayerProblem } from '../methods/layerProblem'
import type { SecondMoment } from '../methods/secondMoment'
import { histogram } from '../numerics/histogram'
import { everyRow, type Matrix } from '../numerics/matrix'

/*
 * What the window shows of one linear beside its figures. It decides nothing: neither factors nor adapters depend on it.
 */

/** Odd, so that errors around zero share one bin. */
const BINS = 41
/** Half width in standard deviations of E: the 4-bit formats leave few errors beyond 4. */
const WIDTH = 4
const TOP_CHANNELS = 8

/** Of a larger linear as many rows are counted as have so many values: more would draw the same curve. */
const COUNTED_VALUES = 2 ** 20

/**
 * The values of E and of R = E − s · B · A, in the same bins: of every row, or of rows that lie evenly. All of it is computed
 * here: the product would come back from a device as a whole, to be counted.
 */
export async function errorHistogram(
  problem: LayerProblem,
  { loraA, loraB }: LoraFactors,
  scaling: number
): Promise<ErrorHistogram> {
  const { range, before, E, every } = countedOf(problem)
  if (loraB.data.every((value) => value === 0)) return { range, before, after: before }
  const { data: R } = await problem.algebra.gemm32Here(everyRow(loraB, every), loraA)
  for (let i = 0; i < R.length; i++) R[i] = (E.data[i] as number) - scaling * (R[i] as number)
  return { range, before, after: histogram(R, range, BINS) }
}

interface Counted extends Pick<ErrorHistogram, 'range' | 'before'> {
  /** The rows of E that are counted, one of so many. */
  readonly E: Matrix<Float32Array | Float64Array>
  readonly every: number
}

const known = new WeakMap<LayerProblem, Counted>()

/** What all variants of a linear share. */
function countedOf(problem: LayerProblem): Counted {
  const found = known.get(problem)
  if (found !== undefined) return found
  const { E, frobeniusRank0 } = problem
  const every = Math.ceil(E.data.length / COUNTED_VALUES)
  const rows = everyRow<Float32Array | Float64Array>(E, every)
  const deviation = Math.sqrt(frobeniusRank0 / E.data.length)
  const range = deviation > 0 ? WIDTH * deviation : 1
  const counted = { range, before: histogram(rows.data, range, BINS), E: rows, every }
  known.set(problem, counted)
  return counted
}

/** The channels with the largest E[x²], the largest first; of equal ones the lower index. */
export function inputChannels({ diagonal }: SecondMoment): InputChannels {
  const mean = diagonal.reduce((sum, value) => sum + value, 0) / diagonal.length
  const order = Array.from(diagonal.keys()).sort((a, b) => (diagonal[b] as number) - (diagonal[a] as number) || a - b)
  return { mean, top: order.slice(0, TOP_CHANNELS).map((index) => ({ index, value: diagonal[index] as number })) }
}
