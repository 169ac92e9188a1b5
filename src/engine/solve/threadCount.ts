import type { ProviderName } from '../../shared/devices'
import { threads } from '../graph/devices/computeLimits'
import type { PreparedLinear } from '../models/modelLinears'

/** Bytes a weight of a linear that is being solved: its E and Eᵀ, and what products with them leave. */
const WEIGHT_BYTES = 12
/** Bytes an entry of H: its copy in float64, and in float32. */
const MOMENT_BYTES = 12

/** Where no linear has so many weights, threads cost more than they bring: each loads and compiles what it runs. */
const WORTH_THREADS = 2 ** 19

/**
 * How many linears of a run are solved at a time: on the processor as many as it has threads for products and a block has
 * linears, as far as the memory for those beside the first allows. A device of another kind has one session at a time.
 *
 * @param budget - bytes of memory for those beside the first
 */
export function linearsAtATime(linears: readonly PreparedLinear[], device: ProviderName, budget: number): number {
  if (device !== 'cpu' || !linears.some((linear) => linear.inFeatures * linear.outFeatures >= WORTH_THREADS)) return 1
  const most = Math.max(1, ...bytesByBlock(linears).map(({ length }) => length))
  let count = Math.min(threads(), most)
  while (count > 1 && bytesBesideFirst(linears, count) > budget) count--
  return count
}

/** Memory that so many at a time take beside what the first does, bytes. */
export const bytesBesideFirst = (linears: readonly PreparedLinear[], count: number): number =>
  Math.max(0, ...bytesByBlock(linears).map((bytes) => bytes.slice(1, count).reduce((sum, each) => sum + each, 0)))

/** Into how many shares the work of one thread is parted then: fewer where the largest linear has most of a block. */
export function sharesOf(linears: readonly PreparedLinear[], count: number): number {
  const shares = bytesByBlock(linears).map((bytes) => bytes.reduce((sum, each) => sum + each, 0) / (bytes[0] ?? 1))
  return Math.max(1, Math.min(count, ...shares))
}

/** Of each block what solving its linears takes, the largest first. */
function bytesByBlock(linears: readonly PreparedLinear[]): number[][] {
  const blocks: number[][] = []
  for (const { block, inFeatures: n, outFeatures: m } of linears) {
    const bytes = blocks[block] ?? []
    blocks[block] = [...bytes, WEIGHT_BYTES * m * n + MOMENT_BYTES * n * n]
  }
  return blocks.map((bytes) => bytes.sort((a, b) => b - a))
}

/** Threads for the products of each of so many: together somewhat more than there are, for one of them is often between two. */
export const threadsOfEach = (count: number): number => Math.ceil(threads() / count)
