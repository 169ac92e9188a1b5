import { afterAll, describe, expect, it } from 'vitest'
import { listDevices } from '../../src/engine/graph/devices'
import { LinearAlgebra } from '../../src/engine/graph/linearAlgebra'
import type { ErrorProducts } from '../../src/engine/methods/errorProducts'
import { ProductsHere } from '../../src/engine/methods/productsHere'
import { ProductsThere } from '../../src/engine/methods/productsThere'
import { SecondMoment } from '../../src/engine/methods/secondMoment'
import type { Matrix32, Matrix64 } from '../../src/engine/numerics/matrix'
import { toFloat32, toFloat64 } from '../../src/engine/numerics/matrix'
import { gaussianMatrix, lossOf, matrixOf, minus, norm, product, transpose } from '../helpers/matrices'

const webgpu = (await listDevices()).find(({ name }) => name === 'webgpu')
const missing = webgpu?.available === true ? undefined : (webgpu?.detail ?? 'webgpu is not known')
if (missing !== undefined) console.log(`the products of webgpu are not tested: ${missing}`)
const devices = ['cpu', ...(missing === undefined ? (['webgpu'] as const) : [])] as const

const chained = (...factors: Matrix64[]): Matrix64 => factors.reduceRight((right, left) => product(left, right))

describe.each(devices)('products with an error and a second moment: %s', (device) => {
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
    const products: ErrorProducts = new (device === 'cpu' ? ProductsHere : ProductsThere)(algebra, E, moment)
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
})
