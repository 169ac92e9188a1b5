import { AppError } from '../../shared/errors'

/** Names the first NaN or infinity at or after the index `from`. */
export function notFinite(weight: Float32Array, from: number): AppError {
  const index = weight.findIndex((value, i) => i >= from && !Number.isFinite(value))
  return new AppError('NUMERICS', `element ${index} is ${weight[index]}; only finite weights can be quantized`)
}
