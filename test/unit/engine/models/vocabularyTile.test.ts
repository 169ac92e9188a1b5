import { describe, expect, it } from 'vitest'
import { GraphSession, type Tensor } from '../../../../src/engine/graph/session'
import type { ModelArchitecture } from '../../../../src/engine/models/architecture'
import { vocabularyTileGraph } from '../../../../src/engine/models/modelGraphs'
import { readArchitecture } from '../../../../src/engine/models/registry'
import { configOf, familyDirectory } from '../../../helpers/checkpoints'
import { gaussianMatrix } from '../../../helpers/matrices'

const POSITIONS = 5
const TILE = 37

const matrix = (rows: number, cols: number, label: string): Tensor => ({
  data: Float32Array.from(gaussianMatrix(rows, cols, label).data),
  shape: [rows, cols]
})

/** Of the heads that have one. */
const BIAS = { data: matrix(1, TILE, 'bias').data, shape: [TILE] }

/** One tile under two sets of weights, with each output as the graph gives it. */
async function tileOf(family: string, head: Tensor) {
  const architecture = readArchitecture(configOf(familyDirectory(family)), 'config.json')
  const width = architecture.embeddingSize
  const targetIndex = { data: Int32Array.of(3, 0, 36, 7, 20), shape: [POSITIONS, 1] }
  const [own, other] = [matrix(POSITIONS, width, 'full'), matrix(POSITIONS, width, 'other')]
  const full = await GraphSession.create(vocabularyTileGraph(architecture, 'full'), 'cpu')
  const compared = await GraphSession.create(vocabularyTileGraph(architecture, 'compared'), 'cpu')
  const given = { head, targetIndex, ...(architecture.headBias !== undefined && { headBias: BIAS }) }
  const exact = await full.run({ normed: own, ...given })
  const feeds = { fullLogits: exact.logits as Tensor, fullExponentials: exact.exponentials as Tensor }
  const theirs = await compared.run({ normed: other, ...given, ...feeds })
  await full.release()
  await compared.release()
  return { architecture, own, other, exact, theirs, targets: targetIndex.data }
}

/** Logits [positions][tile] in float64. */
const logitsOf = (
  states: Tensor,
  head: Tensor,
  { embeddingSize: width, logitSoftcap: cap, headBias }: ModelArchitecture
): number[][] =>
  Array.from({ length: POSITIONS }, (_, i) =>
    Array.from({ length: TILE }, (_, j) => {
      let sum = headBias === undefined ? 0 : (BIAS.data[j] as number)
      for (let k = 0; k < width; k++)
        sum += (states.data[i * width + k] as number) * (head.data[j * width + k] as number)
      return cap === undefined ? sum : cap * Math.tanh(sum / cap)
    })
  )

describe.each(['llama', 'gemma2', 'phi'])('a tile of the vocabulary of %s', async (family) => {
  const width = readArchitecture(configOf(familyDirectory(family)), 'config.json').embeddingSize
  const head = matrix(TILE, width, 'head')
  const { architecture, own, other, exact, theirs, targets } = await tileOf(family, head)
  const t = logitsOf(own, head, architecture)
  const s = logitsOf(other, head, architecture)

  // Products of 48 or so float32 numbers: 1e-6 of their size, and of exponentials as much again.
  const near = (found: Tensor | undefined, expected: readonly number[]) => {
    expect(found?.data).toHaveLength(expected.length)
    for (const [i, value] of expected.entries())
      expect(Math.abs((found?.data[i] as number) - value)).toBeLessThan(2e-5 * Math.max(1, Math.abs(value)))
  }

  it.each([
    ['full precision', exact, t],
    ['others', theirs, s]
  ] as const)('has the largest logit, the sum, the target and the first best of %s', (_, found, logits) => {
    const max = logits.map((row) => Math.max(...row))
    near(found.max, max)
    near(
      found.sum,
      logits.map((row, i) => row.reduce((sum, x) => sum + Math.exp(x - (max[i] as number)), 0))
    )
    near(
      found.target,
      logits.map((row, i) => row[targets[i] as number] as number)
    )
    expect([...(found.best?.data ?? [])]).toEqual(logits.map((row, i) => row.indexOf(max[i] as number)))
  })

  it('has the sum of differences, weighted by full precision', () => {
    near(
      theirs.cross,
      t.map((row, i) => {
        const max = Math.max(...row)
        return row.reduce((sum, x, j) => sum + Math.exp(x - max) * (x - (s[i]?.[j] as number)), 0)
      })
    )
  })
})

describe('the most probable token of a tile', () => {
  it.each([
    ['lie apart', [5, 13, 21, 29]],
    ['lie side by side', [8, 9, 10, 11]],
    ['lie in the last lanes', [33, 36]],
    ['are all', Array.from({ length: TILE }, (_, i) => i)]
  ])('is the first of equal logits that %s', async (_, equal) => {
    const { embeddingSize } = readArchitecture(configOf(familyDirectory('llama')), 'config.json')
    // Every state of `tileOf` has some entries above 0; rows that all are the same give the same logit, larger than 0 rows.
    const head = { data: new Float32Array(TILE * embeddingSize).fill(0), shape: [TILE, embeddingSize] }
    const states = matrix(POSITIONS, embeddingSize, 'full').data
    for (const j of equal)
      for (let k = 0; k < embeddingSize; k++) head.data[j * embeddingSize + k] = states[k] as number
    const { exact } = await tileOf('llama', head)
    expect(exact.best?.data[0]).toBe(equal[0])
  })
})
