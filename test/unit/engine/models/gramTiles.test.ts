import { describe, expect, it } from 'vitest'
import { SecondMoments } from '../../../../src/engine/calibration/secondMoments'
import { GraphBuilder } from '../../../../src/engine/graph/graphBuilder'
import { GraphSession } from '../../../../src/engine/graph/session'
import { largestTileBytes, triangleShare, upperTriangle } from '../../../../src/engine/models/gramTiles'
import { toFloat32 } from '../../../../src/engine/numerics/matrix'
import { entry, gaussianMatrix, product, transpose } from '../../../helpers/matrices'

describe('the upper triangle of a Gram matrix', () => {
  // Narrower than is cut, cut once into unequal parts, cut twice.
  it.each([
    [40, 200, 1, undefined],
    [300, 530, 3, undefined],
    [70, 1100, 7, undefined],
    // Parted by 100, 93 and 128 rows.
    [40, 200, 2, 4 * 100 * 200],
    [300, 530, 9, 4 * 96 * 258]
  ])('of inputs [%i, %i] is %i outputs, which make up the whole', async (tokens, features, outputs, tensorLimit) => {
    const graph = new GraphBuilder()
    const asked = { input: 0, features, ...(tensorLimit !== undefined && { tensorLimit }) }
    const tiles = upperTriangle(graph, graph.input('X', ['tokens', features]), asked)
    expect(tiles).toHaveLength(outputs)
    const largest = Math.max(...tiles.map(({ rows, columns }) => 4 * rows * columns))
    expect(largest).toBeLessThanOrEqual(tensorLimit ?? largestTileBytes(features))
    const made = tiles.reduce((sum, { rows, columns }) => sum + rows * columns, 0)
    expect(made / features ** 2).toBeCloseTo(triangleShare(features), 2) // halves are not exactly equal
    const session = await GraphSession.create(graph.build(), 'cpu')
    const X = toFloat32(gaussianMatrix(tokens, features, 'X'))
    const found = await session.run({ X: { data: X.data, shape: [tokens, features] } })
    await session.release()
    const moments = new SecondMoments([features])
    const parts = tiles.map((tile) => ({ ...tile, data: found[tile.output]?.data as Float32Array }))
    moments.add(parts, tokens)
    const H = { data: moments.take(0), rows: features, cols: features }
    const expected = product(transpose(X), X)
    let farthest = 0
    for (let i = 0; i < features; i++) {
      for (let j = 0; j < features; j++) {
        const length = Math.sqrt(entry(expected, i, i) * entry(expected, j, j))
        farthest = Math.max(farthest, Math.abs(entry(H, i, j) * tokens - entry(expected, i, j)) / length)
      }
    }
    expect(farthest).toBeLessThan(1e-6) // 6e-8 a rounding, of hundreds of sums one after the other
  })
})
