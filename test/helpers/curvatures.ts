import type { OutputCurvature } from '../../src/engine/methods/outputCurvature'
import type { Matrix64 } from '../../src/engine/numerics/matrix'
import { symmetricEigen } from '../../src/engine/numerics/symmetricEigen'
import type { TestLayer } from './layerProblems'
import { entry, gaussianMatrix, lossOf, matrixOf, product, transpose } from './matrices'

const diagonal = (values: ArrayLike<number>): Matrix64 =>
  matrixOf(values.length, values.length, (i, j) => (i === j ? (values[i] as number) : 0))

/** Of gradients at the outputs, whose energies fall. */
export function curvatureOf({ E, name }: TestLayer): Matrix64 {
  const rows = gaussianMatrix(2 * E.rows, E.rows, `gradients ${name}`)
  const gradients = matrixOf(rows.rows, rows.cols, (i, j) => entry(rows, i, j) * (1 + j) ** -0.7)
  const sum = product(transpose(gradients), gradients)
  return matrixOf(E.rows, E.rows, (i, j) => entry(sum, i, j) / rows.rows)
}

/** V diag(λ) Vᵀ + f (I − V Vᵀ), by plain loops. */
export function dense({ vectors, values, floor }: OutputCurvature): Matrix64 {
  const along = product(product(vectors, diagonal(values.map((value) => value - floor))), transpose(vectors))
  return matrixOf(vectors.rows, vectors.rows, (i, j) => entry(along, i, j) + (i === j ? floor : 0))
}

/** G^½. */
export const rootOf = (G: Matrix64): Matrix64 => {
  const { values, vectors } = symmetricEigen(G)
  return product(product(vectors, diagonal(values.map((value) => Math.sqrt(Math.max(0, value))))), transpose(vectors))
}

/** tr(G R H Rᵀ). */
export const weighedLoss = (G: Matrix64, R: Matrix64, H: Matrix64): number => lossOf(product(rootOf(G), R), H)
