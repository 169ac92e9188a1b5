import type { DeviceGraph } from '../graph/deviceMemory'
import { GraphBuilder, type Value } from '../graph/graphBuilder'
import type { LinearAlgebra } from '../graph/linearAlgebra'
import type { Matrix32 } from '../numerics/matrix'

/** E [m, n], its transpose, a symmetric H [n, n], or a diagonal D, given as a column [n, 1]. */
export type Factor = 'E' | 'Et' | 'H' | 'D'

/** The matrices of a chain, E and what else it names. */
export interface Factors {
  readonly E: Matrix32
  readonly H?: Matrix32
  readonly D?: Matrix32
}

/**
 * A chain of products with Y in float32 by one graph, the first factor first: Y alone goes to a device that has E and H, and
 * the result alone comes back. Each product by itself would wait for the way there and back, and a device that keeps nothing
 * be given E twice.
 */
export async function chainThere(
  algebra: LinearAlgebra,
  chain: readonly Factor[],
  factors: Factors,
  Y: Matrix32
): Promise<Matrix32> {
  const { E } = factors
  const rows = chain.at(-1) === 'E' ? E.rows : E.cols
  if (Y.data.length === 0 || E.rows * E.cols === 0) return { data: new Float32Array(rows * Y.cols), rows, cols: Y.cols }
  const { image } = await algebra.compute(chainGraph(chain), { ...factors, Y })
  return { data: image?.data as Float32Array, rows, cols: Y.cols }
}

const SHAPES = { E: ['m', 'n'], H: ['n', 'n'], D: ['n', 1] } as const

const chainGraph = (chain: readonly Factor[]): DeviceGraph => ({
  name: `chain ${chain.join(' ')}`,
  build: () => {
    const g = new GraphBuilder()
    const inputs = new Map<string, Value>()
    for (const name of ['E', 'H', 'D'] as const) {
      if (chain.some((factor) => factor[0] === name)) inputs.set(name, g.input(name, SHAPES[name]))
    }
    const times = (X: Value, factor: Factor): Value => {
      const left = inputs.get(factor.charAt(0)) as Value
      return factor === 'D' ? g.mul(left, X) : g.gemm(left, X, { transA: factor === 'Et' ? 1 : 0 })
    }
    g.output('image', chain.reduce(times, g.input('Y', ['rows', 'k'])), ['images', 'k'])
    return g.build()
  }
})
