import { AppError } from '../../shared/errors'
import { scaleInto } from '../numerics/accumulate'
import { firstNonFinite, largestEntry, type Matrix32, type Matrix64, toFloat32, toFloat64 } from '../numerics/matrix'

/** A product with E twice whose largest entry is at least this keeps its digits: what float32 takes for zero is no share of it. */
const SMALLEST_PRODUCT = 1e-24
/** Errors of a size between these have squares in the midst of float32. */
const [SMALLEST_ERROR, LARGEST_ERROR] = [1e-8, 1e8]

/**
 * E K EᵀY in float32, for Y of columns about as long as one, be the squares of E's entries beyond float32: then Y is multiplied
 * by the power of two that E is divided by to be of size one, so that EᵀY is, and the product is of the size of E K.
 *
 * @param product - E K Eᵀ times a matrix
 * @param size - of E's entries, asked for where the product is out of the ordinary
 * @throws {AppError} NUMERICS naming the linear, where the product is infinite all the same
 */
export async function squaredProduct(
  name: string,
  product: (Y: Matrix32) => Promise<Matrix32>,
  size: () => number,
  Y: Matrix64
): Promise<Matrix64> {
  const found = toFloat64(await product(toFloat32(Y)))
  if (found.data.length === 0 || keepsDigits(found)) return found
  const scaled = isOrdinary(size()) ? found : await scaledProduct(product, 2 ** -Math.round(Math.log2(size())), Y)
  if (firstNonFinite(scaled.data) < 0) return scaled
  throw new AppError(
    'NUMERICS',
    `${name}: products with its error, whose entries are of size ${size().toPrecision(3)}, and its inputs' second moment are not finite in float32`
  )
}

const keepsDigits = (product: Matrix64): boolean =>
  firstNonFinite(product.data) < 0 && largestEntry(product) >= SMALLEST_PRODUCT

const isOrdinary = (size: number): boolean => !(size > 0) || (size >= SMALLEST_ERROR && size <= LARGEST_ERROR)

async function scaledProduct(
  product: (Y: Matrix32) => Promise<Matrix32>,
  factor: number,
  Y: Matrix64
): Promise<Matrix64> {
  const scaled = { ...Y, data: Y.data.slice() }
  scaleInto(scaled.data, factor)
  const found = toFloat64(await product(toFloat32(scaled)))
  scaleInto(found.data, 1 / factor)
  return found
}
