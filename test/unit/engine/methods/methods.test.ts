import { afterAll, describe, expect, it } from 'vitest'
import { LinearAlgebra } from '../../../../src/engine/graph/linearAlgebra'
import type { LayerProblem } from '../../../../src/engine/methods/layerProblem'
import { methodFor } from '../../../../src/engine/methods/registry'
import { symmetricEigen } from '../../../../src/engine/numerics/symmetricEigen'
import { METHODS, type MethodName, type Weighting } from '../../../../src/shared/methods'
import { emptyLayers, layers, problemOf, type TestLayer } from '../../../helpers/layerProblems'
import { lossOf, minus, orthogonalityError, product, transpose } from '../../../helpers/matrices'

const algebra = new LinearAlgebra('cpu')
afterAll(() => algebra.release())

/** tr(R H Rᵀ) of E − U UᵀE, by plain loops: R H Rᵀ = G − U UᵀG − G U Uᵀ + U UᵀG U Uᵀ has the trace tr(G) − tr(UᵀG U). */
function lossesOn(layer: TestLayer) {
  const problem = problemOf(algebra, layer)
  const G = product(product(layer.E, layer.H), transpose(layer.E))
  const rank0 = lossOf(layer.E, layer.H)
  const reach = async (method: MethodName, rank: number, iterations = 20): Promise<number> => {
    const U = await methodFor(method).basis(problem, { rank, iterations })
    return rank0 - product(product(transpose(U), G), U).data.reduce((sum, x, i) => sum + (i % (U.cols + 1) ? 0 : x), 0)
  }
  return { problem, G, rank0, reach }
}

describe.each(layers)('on a layer of $name', (layer) => {
  const { problem, G, rank0, reach } = lossesOn(layer)

  it('no method is better than exact', async () => {
    const best = await reach('exact', 16)
    for (const method of METHODS) {
      // Eigenvectors are iterated in float32 until the gain stands still to 1e-7 of itself.
      expect(await reach(method, 16), method).toBeGreaterThanOrEqual(best - 3e-7 * rank0)
    }
  })

  it('a method finds the same bits whichever others were asked before it', async () => {
    const inOrder = async (names: readonly MethodName[]) => {
      const own = problemOf(algebra, layer)
      const found: Partial<Record<MethodName, Float64Array>> = {}
      for (const name of names) found[name] = (await methodFor(name).basis(own, { rank: 8, iterations: 3 })).data
      return found
    }
    const together = await inOrder(METHODS)
    expect(await inOrder([...METHODS].reverse())).toEqual(together)
    for (const name of METHODS) expect((await inOrder([name]))[name], name).toEqual(together[name])
  })

  it('exact removes the largest eigenvalues of E H Eᵀ from the loss', async () => {
    const U = await methodFor('exact').basis(problem, { rank: 16, iterations: 0 })
    const residual = minus(layer.E, product(U, product(transpose(U), layer.E)))
    const gain = await problem.exactGain(16)
    // Both sides are float64 sums over the same basis: what it misses of the eigenvectors cancels.
    expect(Math.abs(lossOf(residual, layer.H) + gain - rank0)).toBeLessThan(1e-9 * rank0)
    const optimum = symmetricEigen(G)
      .values.subarray(0, 16)
      .reduce((sum, value) => sum + value, 0)
    expect(Math.abs(gain - optimum)).toBeLessThan(3e-7 * optimum)
  })

  it.each(METHODS)('%s leaves less at a higher rank', async (method) => {
    let previous = rank0
    for (const rank of [1, 2, 4, 8, 16]) {
      const loss = await reach(method, rank)
      if (methodFor(method).neutral) expect(loss).toBe(rank0)
      else expect(loss, `rank ${rank}`).toBeLessThan(previous)
      previous = loss
    }
  })

  it('quailora never gets worse by more alternations, and comes to exact', async () => {
    const best = await reach('exact', 16)
    let previous = rank0
    for (const iterations of [0, 1, 2, 5, 20, 60]) {
      const loss = await reach('quailora', 16, iterations)
      expect(loss, `${iterations} alternations`).toBeLessThanOrEqual(previous + 1e-6 * rank0)
      previous = loss
    }
    expect((previous - best) / (rank0 - best)).toBeLessThan(1e-3)
  })

  it.each(METHODS)(
    '%s asks for the eigenvalue problems that it is declared to, and makes no more products',
    async (method) => {
      const asked = new Set<Weighting>()
      let products = 0
      const watched = problemOf(algebra, layer)
      const { leading, roughlyLeading, apply } = watched
      const roughly = new Set<boolean>()
      let within = 0
      const watch =
        (search: typeof leading, rough: boolean): typeof leading =>
        async (weighting, rank) => {
          asked.add(weighting)
          roughly.add(rough)
          within++
          const found = await search.call(watched, weighting, rank)
          within--
          return found
        }
      watched.leading = watch(leading, false)
      watched.roughlyLeading = watch(roughlyLeading, true)
      watched.apply = (weighting, Y) => {
        if (within === 0) products++
        return apply.call(watched, weighting, Y)
      }
      await methodFor(method).basis(watched, { rank: 16, iterations: 7 })
      expect([...asked].sort()).toEqual([...methodFor(method).eigenproblems].sort())
      if (asked.size > 0) expect([...roughly]).toEqual([methodFor(method).roughly ?? false])
      // Directions that are found again after some were lost are beside the plan; there are none on these layers.
      expect(products).toBeLessThanOrEqual(methodFor(method).products?.({ iterations: 7 }) ?? 0)
    }
  )

  it.each(METHODS)('%s gives an orthonormal basis, the same each time', async (method) => {
    const basis = (of: LayerProblem) => methodFor(method).basis(of, { rank: 16, iterations: 20 })
    const [first, second] = [await basis(problem), await basis(problemOf(algebra, layer))]
    expect(first.cols).toBe(methodFor(method).neutral ? 0 : 16)
    expect(orthogonalityError(first)).toBeLessThan(1e-12)
    expect(second.data).toEqual(first.data)
  })
})

describe.each(emptyLayers)('on a layer with $name', (layer) => {
  const { rank0, reach } = lossesOn(layer)

  it.each(METHODS)('%s is finite and no worse than nothing', async (method) => {
    const loss = await reach(method, 8)
    expect(Number.isFinite(loss)).toBe(true)
    expect(loss).toBeLessThanOrEqual(rank0 * (1 + 1e-9))
  })
})
