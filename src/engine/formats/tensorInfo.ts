import type { Dtype } from './dtypes'

/** One tensor of a file: `begin` and `end` are byte offsets from the start of the file, `end` excluded. */
export interface TensorInfo {
  readonly name: string
  readonly dtype: Dtype
  /** Elements lie in row-major order. */
  readonly shape: readonly number[]
  readonly begin: number
  readonly end: number
}

/** What a weight file says of itself, whatever its format. */
export interface WeightHeader {
  readonly tensors: ReadonlyMap<string, TensorInfo>
  readonly fileBytes: number
}

/** Elements of a tensor: the product of its dimensions, 1 for a scalar. */
export const elementCount = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1)

/** Elements of all tensors, and by dtype. */
export function countParameters(tensors: readonly TensorInfo[]): {
  readonly parameters: number
  readonly dtypes: Record<string, number>
} {
  const dtypes: Record<string, number> = {}
  let parameters = 0
  for (const { dtype, shape } of tensors) {
    const count = elementCount(shape)
    dtypes[dtype] = (dtypes[dtype] ?? 0) + count
    parameters += count
  }
  return { parameters, dtypes }
}
