import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { valuesOf } from '../../../../src/engine/base/baseWeight'
import { quantizeLinear } from '../../../../src/engine/base/quantizeLinear'
import type { TokenRows } from '../../../../src/engine/calibration/rows'
import { sha256File } from '../../../../src/engine/formats/files'
import { LinearAlgebra } from '../../../../src/engine/graph/linearAlgebra'
import { BlockRunner } from '../../../../src/engine/models/blockRunner'
import { readBlockWeights } from '../../../../src/engine/models/blockWeights'
import { symmetricEigen } from '../../../../src/engine/numerics/symmetricEigen'
import { type PreparedRun, specOf } from '../../../../src/engine/prepare/preparedRun'
import { prepareRun } from '../../../../src/engine/prepare/prepareRun'
import { findEnoughRows } from '../../../../src/engine/run/findEnoughRows'
import { Recipe } from '../../../../src/shared/recipe'
import { computeBlocks } from '../../../helpers/checkpoints'
import { sampleModel, sampleText } from '../../../helpers/paths'

const CONTEXT = 16
const RANK = 4
const folder = mkdtempSync(join(tmpdir(), 'quail-enough-'))
afterAll(() => rmSync(folder, { recursive: true }))

type Calibration = Partial<Recipe['calibration']>

async function prepare(calibration: Calibration, path = sampleText('moby-evaluation.txt')): Promise<PreparedRun> {
  const recipe = Recipe.parse({
    version: 1,
    model: sampleModel,
    calibration: { files: [path], ...calibration },
    context: CONTEXT,
    variants: [{ method: 'quailora', rank: RANK, targets: ['q_proj', 'v_proj'] }]
  })
  const text = { name: 'text', path, kind: 'text' as const, bytes: 0, sha256: await sha256File(path) }
  return prepareRun(recipe, { calibration: [text], evaluation: [] }, folder)
}

async function find(prepared: PreparedRun) {
  const runner = new BlockRunner(prepared.architecture, CONTEXT, 'cpu')
  const algebra = new LinearAlgebra('cpu')
  try {
    return await findEnoughRows({ prepared, runner, algebra, signal: new AbortController().signal })
  } finally {
    await runner.release()
    await algebra.release()
    await prepared.release()
  }
}

const every = (rows: TokenRows, step: number): TokenRows => {
  const taken = Array.from({ length: rows.rows / step }, (_, i) => i * step)
  const ids = Int32Array.from(taken.flatMap((row) => [...rows.ids.subarray(row * CONTEXT, (row + 1) * CONTEXT)]))
  return { ...rows, ids, rows: taken.length, lengths: new Int32Array(taken.length).fill(CONTEXT) }
}

/** M · N by the definition, in float64. */
function product(M: Float64Array, N: Float64Array, [m, k, n]: readonly [number, number, number]): Float64Array {
  const result = new Float64Array(m * n)
  for (let i = 0; i < m; i++)
    for (let j = 0; j < k; j++) {
      const a = M[i * k + j] as number
      for (let l = 0; l < n; l++) result[i * n + l] = (result[i * n + l] as number) + a * (N[j * n + l] as number)
    }
  return result
}

const transposed = (M: Float64Array, m: number, n: number): Float64Array =>
  Float64Array.from({ length: m * n }, (_, i) => M[(i % m) * n + Math.floor(i / m)] as number)

describe('how many rows are enough', () => {
  it('is judged by what the corrections of half of the rows, and of all, leave of the error on other rows', async () => {
    const prepared = await prepare({ rows: 32, enough: 0.5 })
    const cut = prepared.cutCalibration as NonNullable<PreparedRun['cutCalibration']>
    const [own, others] = [await cut(32, 0), await cut(32, 1)]
    const weights = await readBlockWeights(prepared.weights, prepared.parts, 0)
    const moments = await Promise.all(
      [every(own, 2), own, others].map(async (rows) => (await computeBlocks(sampleModel, rows)).moments)
    )
    const shares: number[][] = []
    const { targets } = prepared.variants[0] as PreparedRun['variants'][number]
    for (const linear of prepared.linears.filter(({ block, path }) => block === 0 && targets.has(path))) {
      const W = weights.linears.get(linear.name) as Float32Array
      const spec = specOf(prepared, 'nf4-b64-dq')
      const Q = valuesOf(linear, await quantizeLinear(undefined, linear, W, spec), spec)
      const E = Float64Array.from(W, (value, i) => value - (Q[i] as number))
      const [m, n] = [linear.outFeatures, linear.inFeatures]
      const G = moments.map((of) => {
        const EH = product(E, of.get(linear.path) as Float64Array, [m, n, n])
        return product(EH, transposed(E, m, n), [m, n, m])
      })
      const judged = G[2] as Float64Array
      const trace = Array.from({ length: m }, (_, i) => judged[i * m + i] as number).reduce((a, b) => a + b, 0)
      shares.push(
        G.slice(0, 2).map((of) => {
          const { vectors } = symmetricEigen({ data: of, rows: m, cols: m })
          let gained = 0
          for (let r = 0; r < RANK; r++)
            for (let i = 0; i < m; i++)
              for (let j = 0; j < m; j++)
                gained +=
                  (vectors.data[i * vectors.cols + r] as number) *
                  (judged[i * m + j] as number) *
                  (vectors.data[j * vectors.cols + r] as number)
          return 1 - gained / trace
        })
      )
    }
    expect(shares).toHaveLength(2)
    const mean = (k: 0 | 1): number => shares.reduce((sum, share) => sum + (share[k] as number), 0) / shares.length
    const { levels, ...found } = await find(prepared)
    expect(found).toEqual({ rows: 32, most: 32, tolerance: 0.5, why: 'settled' })
    // Products of the solver are made in float32; the share of the error is a sum of thousands of them.
    expect(levels[0]?.half).toBeCloseTo(mean(0), 5)
    expect(levels[0]?.left).toBeCloseTo(mean(1), 5)
    expect(mean(1)).toBeLessThan(mean(0))
  })

  it('doubles rows as long as they help, up to the most that are allowed', async () => {
    const { levels, ...found } = await find(await prepare({ rows: 150, enough: 1e-9 }))
    expect(levels.map(({ rows }) => rows)).toEqual([32, 64, 128])
    expect(found).toEqual({ rows: 150, most: 150, tolerance: 1e-9, why: 'most' })
  })

  it('takes all that a text has where it cannot tell', async () => {
    const path = join(folder, 'short.txt')
    writeFileSync(path, 'It was the whiteness of the whale that above all things appalled me. '.repeat(40))
    const prepared = await prepare({ enough: 0.01, rows: 512 }, path)
    const [available] = prepared.calibration.available
    expect(available).toBeLessThan(64)
    expect(await find(prepared)).toEqual({ rows: available, most: 512, tolerance: 0.01, why: 'text', levels: [] })
  })

  it('keeps to the rows of a draw', async () => {
    const { rows, why } = await find(await prepare({ rows: 100, enough: 1e-9, draw: 3 }))
    expect({ rows, why }).toEqual({ rows: 100, why: 'most' })
  })
})
