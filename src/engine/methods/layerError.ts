import type { LinearAlgebra } from '../graph/linearAlgebra'
import type { Matrix64 } from '../numerics/matrix'
import { innerProduct, subtract, toFloat64 } from '../numerics/matrix'
import type { LoraFactors } from './factors'
import type { LayerProblem } from './layerProblem'

/** Squared errors of one linear with an adapter: R = E − s · B · A. */
export interface LayerError {
  /** tr(R H Rᵀ): mean squared error of the outputs over the calibration tokens, summed over output channels. */
  readonly loss: number
  /** ‖R‖²: of the weights. */
  readonly frobenius: number
}

/** Below this share of the error without adapter the expansion would lose digits to cancellation. */
const CANCELLATION = 1e-5

/**
 * Calibrated and plain error of factors as they will be stored, in float64.
 *
 *     tr(R K Rᵀ) = tr(E K Eᵀ) − 2⟨BᵀE, CᵀK⟩ + ⟨BᵀB, CᵀKC⟩,  Cᵀ = s · A,  K = H or I
 *
 * from thin products alone; when nearly everything cancels, from R itself.
 */
export async function layerError(problem: LayerProblem, factors: LoraFactors, scaling: number): Promise<LayerError> {
  const { algebra } = problem
  const B = toFloat64(factors.loraB) // [m, r]
  const C = toFloat64(factors.loraA) // sA [r, n]
  C.data.forEach((value, i) => {
    C.data[i] = scaling * value
  })
  const thin = {
    BE: await problem.project(B), // [r, n]
    BB: await algebra.gemm64(B, B, { transA: true }),
    C
  }
  const rank0 = await problem.lossRank0()
  const loss = await expandedError(algebra, thin, await algebra.gemm64(C, problem.moment.H), rank0)
  const frobenius = await expandedError(algebra, thin, C, problem.frobeniusRank0)
  const lost = loss < CANCELLATION * rank0 || frobenius < CANCELLATION * problem.frobeniusRank0
  return lost ? directError(problem, B, C) : { loss, frobenius }
}

interface ThinProducts {
  readonly BE: Matrix64
  readonly BB: Matrix64
  readonly C: Matrix64
}

/** rank0 − 2⟨BᵀE, CK⟩ + ⟨BᵀB, C K Cᵀ⟩, with C = s · A [r, n]. */
async function expandedError(
  algebra: LinearAlgebra,
  { BE, BB, C }: ThinProducts,
  CK: Matrix64,
  rank0: number
): Promise<number> {
  const square = innerProduct(BB.data, (await algebra.gemm64(CK, C, { transB: true })).data)
  return Math.max(0, rank0 - 2 * innerProduct(BE.data, CK.data) + square)
}

async function directError({ algebra, E, moment }: LayerProblem, B: Matrix64, C: Matrix64): Promise<LayerError> {
  const R = subtract(toFloat64(E), await algebra.gemm64(B, C))
  const RH = await algebra.gemm64(R, moment.H)
  return { loss: Math.max(0, innerProduct(RH.data, R.data)), frobenius: innerProduct(R.data, R.data) }
}
