import { afterAll, describe, expect, it } from 'vitest'
import { LinearAlgebra } from '../../src/engine/graph/linearAlgebra'
import type { ErrorProducts } from '../../src/engine/methods/errorProducts'
import { ProductsHere } from '../../src/engine/methods/productsHere'
import { ProductsThere } from '../../src/engine/methods/productsThere'
import { SecondMoment } from '../../src/engine/methods/secondMoment'
import type { Matrix32, Matrix64 } from '../../src/engine/numerics/matrix'
import { toFloat32, toFloat64 } from '../../src/engine/numerics/matrix'
import { gaussianMatrix, lossOf, matrixOf, minus, norm, product, transpose } from '../helpers/matrices'
import { webgpuDevice } from '../helpers/webgpuDevice'

const { missing } = await webgpuDevice('the tests of products on a device')
/** Those of other devices on the processor, too: as a device computes them that keeps nothing. */
const places = [
  { device: 'cpu', Products: ProductsHere },
  { device: 'cpu', Products: ProductsThere },
  ...(missing === undefined ? [{ device: 'webgpu', Products: ProductsThere } as const] : [])
] as const
const titled = places.map((place) => [`${place.Products.name}, ${place.device}`, place] as const)

const chained = (...factors: Matrix64[]): Matrix64 => factors.reduceRight((right, left) => product(left, right))

describe.each(titled)('products with an error and a second moment: %s', (_, { device, Products }) => {
  const algebra = new LinearAlgebra(device)

  afterAll(() => algebra.release())

  // Fewer rows than columns and the reverse, a single one, and sizes that no tile divides.
  it.each([
    [37, 53, 5],
    [130, 64, 16],
    [1, 20, 3],
    [70, 1, 2]
  ])('are those of float64, E [%i, %i], %i columns', async (m, n, k) => {
    const E = toFloat32(gaussianMatrix(m, n, 'E'))
    const X = gaussianMatrix(2 * n, n, 'X')
    const H = product(transpose(X), X)
    const moment = new SecondMoment(H)
    const products: ErrorProducts = new Products(algebra, E, moment)
    const [error, ofOutputs, ofInputs] = [toFloat64(E), gaussianMatrix(m, k, 'Y'), gaussianMatrix(n, k, 'Z')]
    const diagonal = matrixOf(n, n, (i, j) => (i === j ? (moment.diagonal[i] as number) : 0))
    const roots = moment.diagonal.map(Math.sqrt)
    const root = matrixOf(n, n, (i, j) => (i === j ? (roots[i] as number) : 0))
    const Et = transpose(error)
    const [Y, Z] = [() => toFloat32(ofOutputs), () => toFloat32(ofInputs)]
    const cases: [Promise<Matrix32>, Matrix64][] = [
      [products.times(Z()), chained(error, ofInputs)],
      [products.transposedTimes(Y()), chained(Et, ofOutputs)],
      [products.amongOutputs('none', Y()), chained(error, Et, ofOutputs)],
      [products.amongOutputs('diagonal', Y()), chained(error, diagonal, Et, ofOutputs)],
      [products.amongOutputs('full', Y()), chained(error, H, Et, ofOutputs)],
      [products.amongInputs(undefined, Z()), chained(Et, error, ofInputs)],
      [products.amongInputs(roots, Z()), chained(root, Et, error, root, ofInputs)]
    ]
    for (const [i, [found, expected]] of cases.entries()) {
      const own = await found
      expect([own.rows, own.cols], `${i}`).toEqual([expected.rows, expected.cols])
      // Four products of float32 with sums of at most 130 terms.
      expect(norm(minus(expected, own)) / norm(expected), `${i}`).toBeLessThan(2e-6)
    }
    expect(Math.abs((await products.energy()) / lossOf(E, H) - 1)).toBeLessThan(1e-6)
    const none = { data: new Float32Array(0), rows: m, cols: 0 }
    expect(await products.amongOutputs('full', none)).toEqual(none)
  })

  // Squares of such errors are beyond float32.
  it.each([1e-21, 1e19])('have the energy of an error of %f', async (size) => {
    const E = toFloat32(gaussianMatrix(33, 67, 'E'))
    for (let i = 0; i < E.data.length; i++) E.data[i] = size * (E.data[i] as number)
    const X = gaussianMatrix(67, 67, 'X')
    const H = product(transpose(X), X)
    const products: ErrorProducts = new Products(algebra, E, new SecondMoment(H))
    expect(Math.abs((await products.energy()) / lossOf(E, H) - 1)).toBeLessThan(1e-6)
  })

  it('have no energy where the error or the second moment is zero', async () => {
    const zeros = matrixOf(20, 20, () => 0)
    const some = gaussianMatrix(20, 20, 'E')
    const energyOf = (E: Matrix64, H: Matrix64) => new Products(algebra, toFloat32(E), new SecondMoment(H)).energy()
    expect([await energyOf(zeros, product(transpose(some), some)), await energyOf(some, zeros)]).toEqual([0, 0])
  })
})
