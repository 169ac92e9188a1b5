import type { LinearAlgebra } from '../graph/linearAlgebra'
import { scaleInto } from '../numerics/accumulate'
import type { Matrix32, Matrix64 } from '../numerics/matrix'
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
/** The same with products in float32, whose sums keep eight digits: of what is left, seven. */
const CANCELLATION_FLOAT32 = 0.1

/**
 * Calibrated and plain error of factors as they will be stored.
 *
 *     tr(R K Rᵀ) = tr(E K Eᵀ) − 2⟨BᵀE, CᵀK⟩ + ⟨BᵀB, CᵀKC⟩,  Cᵀ = s · A,  K = H or I
 *
 * from thin products alone, of large linears in float32 as long as little cancels; when nearly everything does, from R itself.
 */
export async function layerError(problem: LayerProblem, factors: LoraFactors, scaling: number): Promise<LayerError> {
  const rank0 = { loss: await problem.lossRank0(), frobenius: problem.frobeniusRank0 }
  if (factors.loraB.data.every((value) => value === 0)) return rank0
  if (problem.inFloat32) {
    const error = await errorInFloat32(problem, factors, scaling, rank0)
    if (keeps(error, rank0, CANCELLATION_FLOAT32)) return error
  }
  const B = toFloat64(factors.loraB) // [m, r]
  const C = toFloat64(factors.loraA) // sA [r, n]
  scaleInto(C.data, scaling)
  const error = await errorInFloat64(problem, B, C, rank0)
  return keeps(error, rank0, CANCELLATION) ? error : directError(problem, B, C)
}

/** Whether no less than this share of either error is left. */
const keeps = (error: LayerError, rank0: LayerError, share: number): boolean =>
  error.loss >= share * rank0.loss && error.frobenius >= share * rank0.frobenius

/** The products of full size in float32 on the device, each sum in float64. */
async function errorInFloat32(
  problem: LayerProblem,
  { loraA, loraB }: LoraFactors,
  scaling: number,
  rank0: LayerError
): Promise<LayerError> {
  const { algebra, moment } = problem
  const A = toFloat64(loraA)
  const B = toFloat64(loraB)
  const BB = await algebra.gemm64(B, B, { transA: true })
  const EB = await problem.transposedTimes(loraB) // [n, r]
  const At = transposed(loraA) // [n, r]
  const error = async (KA: Matrix32, without: number): Promise<number> => {
    const square = innerProduct(BB.data, (await algebra.gemm64(A, toFloat64(KA))).data)
    return Math.max(0, without - 2 * scaling * innerProduct(EB.data, KA.data) + scaling ** 2 * square)
  }
  return {
    loss: await error(await algebra.gemm32(algebra.keepShared(moment.rounded), At), rank0.loss),
    frobenius: await error(At, rank0.frobenius)
  }
}

async function errorInFloat64(problem: LayerProblem, B: Matrix64, C: Matrix64, rank0: LayerError): Promise<LayerError> {
  const { algebra, moment } = problem
  const thin = {
    BE: await problem.project(B), // [r, n]
    BB: await algebra.gemm64(B, B, { transA: true }),
    C
  }
  return {
    loss: await expandedError(algebra, thin, await algebra.gemm64(C, moment.H), rank0.loss),
    frobenius: await expandedError(algebra, thin, C, rank0.frobenius)
  }
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
