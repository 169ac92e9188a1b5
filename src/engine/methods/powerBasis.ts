import type { LinearAlgebra } from '../graph/linearAlgebra'
import type { Matrix64 } from '../numerics/matrix'
import { innerProduct, zeros64 } from '../numerics/matrix'
import { KrylovSpace, type SymmetricOperator } from './krylovSpace'
import { conditioned, orthonormalize } from './orthonormalize'
import { Settling } from './settling'

/** What the gain tr(UᵀGU) may still change, relative to it. */
const TOLERANCE = 2e-7
/** Images after which the result is looked at first; before, none was ever settled. */
const FIRST_LOOK = 3

/**
 * An orthonormal basis of what `power` rounds of U ← orth(G U) make of the columns of U, with far fewer products.
 *
 *     Gᵖ U ≈ V Tᵖ VᵀU,  V a basis of U, GU, …, GᵈU,  T = VᵀGV
 *
 * which is exact at d = p, and long before as far as anybody can tell: the powers of small eigenvalues vanish, and large
 * ones are found soon. The space grows until the gain stands still.
 *
 * @param U - orthonormal [m, r]
 * Source: Saad, Analysis of some Krylov subspace approximations to the matrix exponential operator (1992), for any function.
 */
export async function powerBasis(
  algebra: LinearAlgebra,
  operator: SymmetricOperator,
  U: Matrix64,
  power: number
): Promise<Matrix64> {
  if (power <= 0 || U.cols === 0) return U
  const space = new KrylovSpace(algebra, operator, Math.min(operator.size, U.cols * (power + 1)))
  await space.add(U)
  const settling = new Settling(TOLERANCE)
  for (let images = 1; ; images++) {
    const last = (await space.extend()) === 0 || images >= power
    if (!last && images < FIRST_LOOK) continue
    const T = space.projected()
    const Z = await powered(algebra, T, U.cols, power)
    if (last || settling.at(await gainOf(algebra, T, Z))) return orthonormalize(algebra, await space.combined(Z))
  }
}

/** orth(Tᵖ I), I the first `columns` columns of the identity; made independent again after each product. */
async function powered(algebra: LinearAlgebra, T: Matrix64, columns: number, power: number): Promise<Matrix64> {
  let Z = zeros64(T.rows, Math.min(columns, T.rows))
  for (let j = 0; j < Z.cols; j++) Z.data[j * Z.cols + j] = 1
  for (let step = 0; step < power; step++) Z = await conditioned(algebra, await algebra.gemm64(T, Z))
  return orthonormalize(algebra, Z)
}

/** tr(ZᵀTZ). */
async function gainOf(algebra: LinearAlgebra, T: Matrix64, Z: Matrix64): Promise<number> {
  return innerProduct((await algebra.gemm64(T, Z)).data, Z.data)
}
