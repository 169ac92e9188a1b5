import { describe, expect, it } from 'vitest'
import { DeviceMemory } from '../../../../src/engine/graph/deviceMemory'
import type { ModelArchitecture } from '../../../../src/engine/models/architecture'
import { DivergenceHead } from '../../../../src/engine/models/divergenceHead'
import { PackedUploads } from '../../../../src/engine/models/packedUploads'
import { readArchitecture } from '../../../../src/engine/models/registry'
import type { HeadTiles } from '../../../../src/engine/models/vocabularyHead'
import { configOf, familyDirectory } from '../../../helpers/checkpoints'
import { gaussianMatrix } from '../../../helpers/matrices'

const POSITIONS = 6
const VOCABULARY = 53
/** The last tile is a smaller one. */
const TILE = 20

const values = (rows: number, cols: number, label: string) => Float32Array.from(gaussianMatrix(rows, cols, label).data)

/** Logits of one position in float64, and their slopes by the sum before the cap. */
function logitsOf(states: ArrayLike<number>, head: Float32Array, bias: Float32Array, architecture: ModelArchitecture) {
  const { embeddingSize: width, logitSoftcap: cap, headBias } = architecture
  const sums = Array.from({ length: VOCABULARY }, (_, j) => {
    let sum = headBias === undefined ? 0 : (bias[j] as number)
    for (let k = 0; k < width; k++) sum += (states[k] as number) * (head[j * width + k] as number)
    return sum
  })
  return cap === undefined ? sums : sums.map((sum) => cap * Math.tanh(sum / cap))
}

function softmax(logits: readonly number[]): number[] {
  const max = Math.max(...logits)
  const weights = logits.map((logit) => Math.exp(logit - max))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => weight / total)
}

const divergence = (teacher: readonly number[], student: readonly number[]): number =>
  teacher.reduce((sum, p, j) => sum + p * Math.log(p / (student[j] as number)), 0)

describe.each(['llama', 'gemma2', 'phi'])('the divergence of next tokens of %s', async (family) => {
  const architecture = readArchitecture(configOf(familyDirectory(family)), 'config.json')
  const width = architecture.embeddingSize
  const head = values(VOCABULARY, width, 'head')
  const bias = values(1, VOCABULARY, 'bias')
  const [student, teacher] = [values(POSITIONS, width, 'student'), values(POSITIONS, width, 'teacher')]
  const tiles: HeadTiles = {
    tiles: () =>
      Array.from({ length: Math.ceil(VOCABULARY / TILE) }, (_, i) => [i * TILE, Math.min(VOCABULARY, (i + 1) * TILE)]),
    readTile: async (begin, end) => ({
      weights: head.subarray(begin * width, end * width),
      ...(architecture.headBias !== undefined && { bias: bias.subarray(begin, end) })
    })
  }
  const uploads = new PackedUploads(new DeviceMemory('cpu'))
  const computing = await DivergenceHead.create(architecture, tiles, uploads)
  const found = await computing.compute(student, teacher)
  const alone = await computing.values(student, teacher)
  await computing.release()
  const at = (states: ArrayLike<number>) => softmax(logitsOf(states, head, bias, architecture))
  const row = (states: Float32Array, i: number) => Float64Array.from(states.subarray(i * width, (i + 1) * width))

  it('is the same without its gradient', () => {
    // Other graphs may multiply in another order: as far from float64 as the values themselves.
    for (const [i, value] of alone.entries()) expect(value).toBeCloseTo(found.values[i] as number, 5)
    expect(alone).toHaveLength(POSITIONS)
  })

  it('is KL(teacher ‖ student) in float64', () => {
    for (let i = 0; i < POSITIONS; i++) {
      const expected = divergence(at(row(teacher, i)), at(row(student, i)))
      // Logits of float32 products: 1e-6 of their size.
      expect(Math.abs((found.values[i] as number) - expected)).toBeLessThan(1e-5 * Math.max(1, expected))
    }
  })

  it('has the gradient that central differences give in float64', () => {
    let largest = 0
    for (let i = 0; i < POSITIONS; i++) {
      const goal = at(row(teacher, i))
      for (let k = 0; k < width; k++) {
        const moved = (by: number) => divergence(goal, at(row(student, i).map((x, j) => (j === k ? x + by : x))))
        const slope = (moved(1e-5) - moved(-1e-5)) / 2e-5
        largest = Math.max(largest, Math.abs(slope))
        expect(Math.abs((found.gradient[i * width + k] as number) - slope)).toBeLessThan(1e-5)
      }
    }
    expect(largest).toBeGreaterThan(0.1)
  })

  it('is nothing, and leads nowhere, where both are the same', async () => {
    const again = await DivergenceHead.create(architecture, tiles, uploads)
    const same = await again.compute(student, student)
    await again.release()
    expect(Math.max(...same.values.map(Math.abs))).toBeLessThan(1e-6)
    expect(Math.max(...same.gradient.map(Math.abs))).toBeLessThan(1e-6)
  })
})
