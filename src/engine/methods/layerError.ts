import type { Matrix64 } from '../numerics/matrix'
import { innerProduct, subtract, toFloat64, transposed } from '../numerics/matrix'
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
 *     tr(R H Rᵀ) = tr(E H Eᵀ) − 2⟨E H, C⟩ + ⟨H-weighted C, C⟩,  C = s · B · A
 *
 * computed from E·H and thin products; when nearly everything cancels, from R itself.
 */
export async function layerError(problem: LayerProblem, factors: LoraFactors, scaling: number): Promise<LayerError> {
  const B = toFloat64(factors.loraB) // [m, r]
  const sAt = transposed(toFloat64(factors.loraA)) // [n, r]
  sAt.data.forEach((value, i) => {
    sAt.data[i] = scaling * value
  })
  const loss = await expandedError(problem, B, sAt, await problem.EH(), await problem.lossRank0(), problem.moment.H)
  const frobenius = await expandedError(problem, B, sAt, problem.E, problem.frobeniusRank0)
  const lost = loss < CANCELLATION * (await problem.lossRank0())
  if (!lost && frobenius >= CANCELLATION * problem.frobeniusRank0) return { loss, frobenius }
  return directError(problem, B, sAt)
}

/** ⟨EK, E⟩ − 2⟨EK, B Cᵀ⟩ + ⟨BᵀB, CᵀKC⟩ with K = H, or the identity when it is left out. */
async function expandedError(
  { algebra }: LayerProblem,
  B: Matrix64,
  C: Matrix64,
  EK: Matrix64,
  rank0: number,
  K?: Matrix64
): Promise<number> {
  const cross = innerProduct((await algebra.gemm64(EK, C)).data, B.data)
  const KC = K === undefined ? C : await algebra.gemm64(K, C)
  const square = innerProduct(
    (await algebra.gemm64(B, B, { transA: true })).data,
    (await algebra.gemm64(C, KC, { transA: true })).data
  )
  return Math.max(0, rank0 - 2 * cross + square)
}

async function directError({ algebra, E, moment }: LayerProblem, B: Matrix64, C: Matrix64): Promise<LayerError> {
  const R = subtract(E, await algebra.gemm64(B, C, { transB: true }))
  const RH = await algebra.gemm64(R, moment.H)
  return { loss: Math.max(0, innerProduct(RH.data, R.data)), frobenius: innerProduct(R.data, R.data) }
}
