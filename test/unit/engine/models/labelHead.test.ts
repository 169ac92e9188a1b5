import { describe, expect, it } from 'vitest'
import { DeviceMemory } from '../../../../src/engine/graph/deviceMemory'
import { LabelHead } from '../../../../src/engine/models/labelHead'
import { PackedUploads } from '../../../../src/engine/models/packedUploads'
import { readArchitecture } from '../../../../src/engine/models/registry'
import type { HeadTiles } from '../../../../src/engine/models/vocabularyHead'
import { seededRandom } from '../../../../src/engine/numerics/random'
import { configOf, familyDirectory } from '../../../helpers/checkpoints'
import { gaussianMatrix } from '../../../helpers/matrices'

const STATES = 3
const DRAWS = 1000
const VOCABULARY = 23
/** The last tile is a smaller one. */
const TILE = 9

const values = (rows: number, cols: number, label: string, scale: number) =>
  Float32Array.from(gaussianMatrix(rows, cols, label).data, (value) => scale * value)

describe.each(['llama', 'gemma2', 'phi'])('gradients of the own predictions of %s', async (family) => {
  const architecture = readArchitecture(configOf(familyDirectory(family)), 'config.json')
  const { embeddingSize: width, logitSoftcap: cap, headBias } = architecture
  const head = values(VOCABULARY, width, 'head', 1)
  const bias = values(1, VOCABULARY, 'bias', 1)
  const states = values(STATES, width, 'states', 1 / Math.sqrt(width))
  const tiles: HeadTiles = {
    tiles: () =>
      Array.from({ length: Math.ceil(VOCABULARY / TILE) }, (_, i) => [i * TILE, Math.min(VOCABULARY, (i + 1) * TILE)]),
    readTile: async (begin, end) => ({
      weights: head.subarray(begin * width, end * width),
      ...(headBias !== undefined && { bias: bias.subarray(begin, end) })
    })
  }
  const repeated = Float32Array.from({ length: DRAWS * states.length }, (_, i) => states[i % states.length] as number)
  const computing = await LabelHead.create(architecture, tiles, new PackedUploads(new DeviceMemory('cpu')))
  const found = await computing.gradient(repeated, seededRandom('draws'))
  const again = await computing.gradient(repeated, seededRandom('draws'))
  await computing.release()

  /** Of one state in float64: p, and cap′(sⱼ) wⱼ of each label. */
  function expected(state: number) {
    const rows = Array.from({ length: VOCABULARY }, (_, j) => head.subarray(j * width, (j + 1) * width))
    const logits = rows.map((row, j) => {
      const dot = row.reduce((sum, w, k) => sum + w * (states[state * width + k] as number), 0)
      const sum = dot + (headBias === undefined ? 0 : (bias[j] as number))
      return cap === undefined ? sum : cap * Math.tanh(sum / cap)
    })
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0)
    const p = logits.map((logit) => Math.exp(logit) / total)
    const pulled = rows.map((row, j) =>
      Float64Array.from(row, (w) => w * (cap === undefined ? 1 : 1 - ((logits[j] as number) / cap) ** 2))
    )
    return { p, pulled }
  }

  /** The label whose gradient stands at a position, and how far off the nearest is. */
  function labelAt(position: number, { p, pulled }: ReturnType<typeof expected>) {
    const mean = (k: number) => pulled.reduce((sum, row, j) => sum + (p[j] as number) * (row[k] as number), 0)
    const pull = Float64Array.from({ length: width }, (_, k) => mean(k) - (found[position * width + k] as number))
    const distances = pulled.map((row) => Math.max(...row.map((value, k) => Math.abs(value - (pull[k] as number)))))
    const distance = Math.min(...distances)
    return { label: distances.indexOf(distance), distance }
  }

  it.each([0, 1, 2])('are those of labels that are drawn from the distribution, state %i', (state) => {
    const exact = expected(state)
    const counts = new Array<number>(VOCABULARY).fill(0)
    for (let draw = 0; draw < DRAWS; draw++) {
      const { label, distance } = labelAt(draw * STATES + state, exact)
      expect(distance).toBeLessThan(1e-5) // float32 sums over a vocabulary of a few dozen
      counts[label] = (counts[label] as number) + 1
    }
    for (const [label, share] of exact.p.entries()) {
      // Five standard deviations of a count; of labels that hardly ever come, one.
      const bound = Math.max(5 * Math.sqrt(DRAWS * share * (1 - share)), 1)
      expect(Math.abs((counts[label] as number) - DRAWS * share)).toBeLessThan(bound)
    }
    expect(counts.filter((count) => count > 0).length).toBeGreaterThan(VOCABULARY / 2)
  })

  it('are the same from the same seed', () => {
    expect(Buffer.compare(Buffer.from(again.buffer), Buffer.from(found.buffer))).toBe(0)
  })
})
