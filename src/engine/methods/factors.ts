import type { FactorDtype } from '../../shared/recipe'
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from '../formats/dtypes'
import type { Matrix32, Matrix64 } from '../numerics/matrix'
import { scaleColumns, toFloat32, transposed, zeros64 } from '../numerics/matrix'
import { fillUniform, seededRandom } from '../numerics/random'
import { symmetricEigen } from '../numerics/symmetricEigen'
import type { LayerProblem } from './layerProblem'

/** An adapter's two matrices as PEFT keeps them: loraA [rank, in], loraB [out, rank]; the correction is s · B · A. */
export interface LoraFactors {
  readonly loraA: Matrix32
  readonly loraB: Matrix32
}

/** The same factors without their correction, as plain LoRA begins. */
export const silenced = ({ loraA, loraB }: LoraFactors): LoraFactors => ({
  loraA,
  loraB: { ...loraB, data: new Float32Array(loraB.data.length) }
})

export interface FactorOptions {
  readonly rank: number
  /** s, that PEFT multiplies with: divided out here, and nowhere else. */
  readonly scaling: number
}

/**
 * Singular values of the product below this share of the largest are rounding noise and carry no correction: they are roots of
 * eigenvalues that are known to 1e-16 of the largest, of an error in float32. All of them together are 1e-12 of the product's energy.
 */
const NOISE = 1e-6

/**
 * The factors of the correction U C, balanced and scaled; C = UᵀE unless another is given.
 *
 *     C = P diag(σ) Vᵀ,   loraB = U P diag(√σ) / √s,   loraA = diag(√σ) Vᵀ / √s
 *
 * so that s · loraB · loraA = U C and column i of loraB is as long as row i of loraA. Ranks that carry no correction
 * start as in plain LoRA, with a Kaiming-uniform row of loraA and a zero column of loraB: were both zero, neither would
 * ever receive a gradient.
 *
 * @param U - orthonormal [m, k], k ≤ rank
 * @param rows - C [k, n]
 */
export async function projectionFactors(
  problem: LayerProblem,
  U: Matrix64,
  { rank, scaling }: FactorOptions,
  rows?: Matrix64
): Promise<LoraFactors> {
  const { algebra, outFeatures, inFeatures } = problem
  const loraA = zeros64(rank, inFeatures)
  const loraB = zeros64(outFeatures, rank)
  // The rows' random start does not depend on the method, so variants differ only where they mean to.
  fillUniform(loraA.data, 1 / Math.sqrt(inFeatures), seededRandom('lora_A', problem.seed, problem.name))
  if (U.cols > 0) {
    const C = rows ?? (await problem.project(U)) // [k, n]
    const { values, vectors: P } = symmetricEigen(await algebra.gemm64(C, C, { transB: true }))
    const sigma = values.map((value) => Math.sqrt(Math.max(0, value)))
    const carried = sigma.filter((value) => value > NOISE * (sigma[0] ?? 0)).length
    const left = scaleColumns(
      await algebra.gemm64(U, P),
      sigma.map((value) => Math.sqrt(value / scaling))
    )
    const right = scaleColumns(
      transposed(await algebra.gemm64(P, C, { transA: true })), // V diag(σ) [n, k]
      sigma.map((value) => 1 / Math.sqrt(value * scaling))
    )
    copyColumns(left, loraB, carried)
    loraA.data.set(transposed(right).data.subarray(0, carried * inFeatures))
  }
  return { loraA: toFloat32(loraA), loraB: toFloat32(loraB) }
}

function copyColumns(from: Matrix64, to: Matrix64, count: number): void {
  for (let i = 0; i < from.rows; i++) {
    to.data.set(from.data.subarray(i * from.cols, i * from.cols + count), i * to.cols)
  }
}

/** The values that a file of this dtype will hold, as float32. */
export function roundToDtype({ data, rows, cols }: Matrix32, dtype: FactorDtype): Matrix32 {
  if (dtype === 'float32') return { data, rows, cols }
  const rounded = new Float32Array(data.length)
  if (dtype === 'bfloat16') bfloat16ToFloat32(float32ToBfloat16(data), rounded)
  else float16ToFloat32(float32ToFloat16(data), rounded)
  return { data: rounded, rows, cols }
}

export const roundFactors = ({ loraA, loraB }: LoraFactors, dtype: FactorDtype): LoraFactors => ({
  loraA: roundToDtype(loraA, dtype),
  loraB: roundToDtype(loraB, dtype)
})
