import { describe, expect, it } from 'vitest'
import { TokenLosses } from '../../src/engine/numerics/tokenLosses'
import { gaussian } from '../helpers/matrices'

/** What the graph of one tile gives for logits [positions, begin … end). */
function tileOf(logits: readonly (readonly number[])[], targets: Int32Array, begin: number, end: number) {
  const parts = logits.map((row) => row.slice(begin, end))
  const max = Float32Array.from(parts, (part) => Math.max(...part))
  const sum = Float32Array.from(parts, (part, i) =>
    part.reduce((total, logit) => total + Math.exp(logit - (max[i] as number)), 0)
  )
  const clamped = (i: number) => Math.min(Math.max((targets[i] as number) - begin, 0), end - begin - 1)
  return { max, sum, target: Float32Array.from(parts, (part, i) => part[clamped(i)] as number) }
}

/** Σ −log softmax(logits)[target] in one pass. */
const direct = (logits: readonly (readonly number[])[], targets: Int32Array): number =>
  logits.reduce((total, row, i) => {
    const target = targets[i] as number
    if (target < 0) return total
    const max = Math.max(...row)
    return total + max + Math.log(row.reduce((sum, x) => sum + Math.exp(x - max), 0)) - (row[target] as number)
  }, 0)

function inTiles(logits: readonly (readonly number[])[], targets: Int32Array, bounds: readonly number[]): number {
  const losses = new TokenLosses(logits.length)
  for (const [i, begin] of bounds.slice(0, -1).entries()) {
    const end = bounds[i + 1] as number
    const holds = (p: number) => (targets[p] as number) >= begin && (targets[p] as number) < end
    losses.add(0, tileOf(logits, targets, begin, end), holds)
  }
  return losses.total(0, targets)
}

/** Logits that float32 holds, so that only the sums are rounded. */
const logitsOf = (positions: number, vocabulary: number, spread: number): number[][] => {
  const next = gaussian('logits', spread)
  return Array.from({ length: positions }, () => Array.from({ length: vocabulary }, () => Math.fround(spread * next())))
}

describe('token losses', () => {
  const targets = Int32Array.of(3, 96, 0, 50, -1, 7)

  it.each([
    ['ordinary logits', 3],
    ['flat logits', 1e-3],
    ['extreme logits', 1e4]
  ])('gathered over tiles are those of one pass: %s', (_, spread) => {
    const logits = logitsOf(6, 97, spread)
    const expected = direct(logits, targets)
    // A tile's sum of exponentials is a float32: 6e-8 of it, and of the loss as much for each position.
    const tolerance = 6 * 6e-8 * Math.max(1, expected)
    for (const bounds of [[0, 97], [0, 1, 96, 97], [0, 40, 80, 97], Array.from({ length: 98 }, (_, i) => i)]) {
      expect(Math.abs(inTiles(logits, targets, bounds) - expected)).toBeLessThan(tolerance)
    }
  })

  it('come in any order of tiles', () => {
    const logits = [[1e4, -1e4, 0, 5]]
    const target = Int32Array.of(1)
    const losses = new TokenLosses(1)
    losses.add(0, tileOf(logits, target, 2, 4), () => false)
    losses.add(0, tileOf(logits, target, 0, 2), () => true)
    expect(losses.total(0, target)).toBe(2e4)
  })

  it('stay zero where the model is certain', () => {
    const losses = new TokenLosses(1)
    losses.add(0, tileOf([[1e4, -1e4]], Int32Array.of(0), 0, 2), () => true)
    expect(losses.total(0, Int32Array.of(0))).toBe(0)
  })

  it('count positions with a target alone, from a first position on', () => {
    const logits = logitsOf(6, 97, 3)
    const losses = new TokenLosses(6)
    losses.add(0, tileOf(logits.slice(0, 2), targets.subarray(0, 2), 0, 97), () => true)
    losses.add(2, tileOf(logits.slice(2), targets.subarray(2), 0, 97), () => true)
    const expected = direct(logits.slice(2), targets.subarray(2))
    expect(losses.total(2, targets.subarray(2))).toBeCloseTo(expected, 5)
    expect(losses.total(4, Int32Array.of(-1))).toBe(0)
  })
})
