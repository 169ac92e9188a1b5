import { describe, expect, it } from 'vitest'
import { ComparedLosses, TokenLosses } from '../../src/engine/numerics/tokenLosses'
import { gaussian } from '../helpers/matrices'

type Logits = readonly (readonly number[])[]

/** What the graph of one tile gives for logits [positions, begin … end). */
function tileOf(logits: Logits, targets: Int32Array, begin: number, end: number) {
  const parts = logits.map((row) => row.slice(begin, end))
  const max = Float32Array.from(parts, (part) => Math.max(...part))
  const sum = Float32Array.from(parts, (part, i) =>
    part.reduce((total, logit) => total + Math.exp(logit - (max[i] as number)), 0)
  )
  const best = Int32Array.from(parts, (part, i) => part.indexOf(max[i] as number))
  const clamped = (i: number) => Math.min(Math.max((targets[i] as number) - begin, 0), end - begin - 1)
  return { max, sum, best, target: Float32Array.from(parts, (part, i) => part[clamped(i)] as number) }
}

/** The same of `logits` compared with `full`. */
function comparedTileOf(full: Logits, logits: Logits, targets: Int32Array, begin: number, end: number) {
  const cross = Float32Array.from(logits, (row, i) => {
    const t = (full[i] as readonly number[]).slice(begin, end)
    const max = Math.max(...t)
    return t.reduce((total, value, j) => total + Math.exp(value - max) * (value - (row[begin + j] as number)), 0)
  })
  return { ...tileOf(logits, targets, begin, end), cross }
}

const placeOf = (targets: Int32Array, begin: number, end: number, first = 0) => ({
  first,
  begin,
  holdsTarget: (p: number) => (targets[p] as number) >= begin && (targets[p] as number) < end
})

/** log softmax, in one pass. */
function logSoftmax(row: readonly number[]): number[] {
  const max = Math.max(...row)
  const sum = max + Math.log(row.reduce((total, x) => total + Math.exp(x - max), 0))
  return row.map((x) => x - sum)
}

/** Σ −log softmax(logits)[target] in one pass. */
const direct = (logits: Logits, targets: Int32Array): number =>
  logits.reduce((total, row, i) => {
    const target = targets[i] as number
    return target < 0 ? total : total - (logSoftmax(row)[target] as number)
  }, 0)

/** KL(softmax t ‖ softmax s) in one pass, nats. */
function directDivergence(t: readonly number[], s: readonly number[]): number {
  const [p, q] = [logSoftmax(t), logSoftmax(s)]
  return p.reduce((sum, log, j) => sum + Math.exp(log) * (log - (q[j] as number)), 0)
}

function totalOf(losses: TokenLosses, targets: Int32Array, first = 0): number {
  return targets.reduce((sum, target, i) => (target < 0 ? sum : sum + losses.loss(first + i)), 0)
}

function inTiles(logits: Logits, targets: Int32Array, bounds: readonly number[]): TokenLosses {
  const losses = new TokenLosses(logits.length)
  for (const [begin, end] of tilesOf(bounds))
    losses.add(tileOf(logits, targets, begin, end), placeOf(targets, begin, end))
  return losses
}

const tilesOf = (bounds: readonly number[]): [number, number][] =>
  bounds.slice(0, -1).map((begin, i) => [begin, bounds[i + 1] as number])

/** Logits that float32 holds, so that only the sums are rounded. */
const logitsOf = (positions: number, vocabulary: number, spread: number, seed = 'logits'): number[][] => {
  const next = gaussian(seed, spread)
  return Array.from({ length: positions }, () => Array.from({ length: vocabulary }, () => Math.fround(spread * next())))
}

const WAYS = [[0, 97], [0, 1, 96, 97], [0, 40, 80, 97], Array.from({ length: 98 }, (_, i) => i)]
const targets = Int32Array.of(3, 96, 0, 50, -1, 7)

describe('token losses', () => {
  it.each([
    ['ordinary logits', 3],
    ['flat logits', 1e-3],
    ['extreme logits', 1e4]
  ])('gathered over tiles are those of one pass: %s', (_, spread) => {
    const logits = logitsOf(6, 97, spread)
    const expected = direct(logits, targets)
    // A tile's sum of exponentials is a float32: 6e-8 of it, and of the loss as much for each position.
    const tolerance = 6 * 6e-8 * Math.max(1, expected)
    for (const bounds of WAYS) {
      expect(Math.abs(totalOf(inTiles(logits, targets, bounds), targets) - expected)).toBeLessThan(tolerance)
    }
  })

  it('come in any order of tiles', () => {
    const logits = [[1e4, -1e4, 0, 5]]
    const target = Int32Array.of(1)
    const losses = new TokenLosses(1)
    losses.add(tileOf(logits, target, 2, 4), placeOf(target, 2, 4))
    losses.add(tileOf(logits, target, 0, 2), placeOf(target, 0, 2))
    expect(losses.loss(0)).toBe(2e4)
    expect(losses.best(0)).toBe(0)
  })

  it('stay zero where the model is certain', () => {
    const target = Int32Array.of(0)
    expect(inTiles([[1e4, -1e4]], target, [0, 2]).loss(0)).toBe(0)
  })

  it('are added from a first position on', () => {
    const logits = logitsOf(6, 97, 3)
    const losses = new TokenLosses(6)
    losses.add(tileOf(logits.slice(0, 2), targets.subarray(0, 2), 0, 97), placeOf(targets.subarray(0, 2), 0, 97))
    losses.add(tileOf(logits.slice(2), targets.subarray(2), 0, 97), placeOf(targets.subarray(2), 0, 97, 2))
    expect(totalOf(losses, targets.subarray(2), 2)).toBeCloseTo(direct(logits.slice(2), targets.subarray(2)), 5)
  })
})

describe('the most probable token', () => {
  it.each([
    ['of equal logits is the first', [[1, 5, 5, 2, 5]], 1],
    ['of logits that are all equal is the first', [[0, 0, 0, 0, 0]], 0],
    ['is the last where that is largest', [[-9, -8, -7, -6, -5]], 4]
  ])('%s, however the vocabulary is cut', (_, logits, expected) => {
    const target = Int32Array.of(0)
    const bounds = [
      [0, 5],
      [0, 2, 5],
      [0, 1, 2, 3, 4, 5]
    ]
    for (const way of bounds) expect(inTiles(logits, target, way).best(0)).toBe(expected)
    const backwards = new TokenLosses(1)
    for (const [begin, end] of tilesOf([0, 1, 2, 3, 4, 5]).reverse())
      backwards.add(tileOf(logits, target, begin, end), placeOf(target, begin, end))
    expect(backwards.best(0)).toBe(expected)
  })
})

describe('the divergence from full precision', () => {
  function divergences(full: Logits, logits: Logits, bounds: readonly number[]): number[] {
    const losses = new TokenLosses(full.length)
    const compared = new ComparedLosses(full.length)
    for (const [begin, end] of tilesOf(bounds)) {
      const place = placeOf(targets, begin, end)
      const rescaling = losses.add(tileOf(full, targets, begin, end), place)
      compared.add(comparedTileOf(full, logits, targets, begin, end), place, rescaling)
    }
    return full.map((_, at) => compared.divergence(at, losses))
  }

  it.each([
    ['a small change', 3, 0.05],
    ['other logits altogether', 3, 5],
    ['flat logits', 1e-3, 1e-3],
    ['extreme logits', 1e3, 1]
  ])('gathered over tiles is that of one pass: %s', (_, spread, change) => {
    const full = logitsOf(6, 97, spread)
    const noise = logitsOf(6, 97, change, 'noise')
    const logits = full.map((row, i) => row.map((t, j) => Math.fround(t + (noise[i]?.[j] as number))))
    const expected = full.map((row, i) => directDivergence(row, logits[i] as number[]))
    for (const bounds of WAYS) {
      const found = divergences(full, logits, bounds)
      // float32 holds a tile's sums to 6e-8, of differences of up to the change.
      for (const [i, value] of found.entries()) {
        expect(Math.abs(value - (expected[i] as number))).toBeLessThan(4e-7 * Math.max(1, change))
      }
    }
  })

  it('is nothing from itself', () => {
    const full = logitsOf(6, 97, 3)
    expect(divergences(full, full, [0, 40, 97])).toEqual(full.map(() => 0))
  })

  it('takes no notice of a constant that is added to all logits', () => {
    const full = logitsOf(6, 97, 3)
    const logits = full.map((row) => row.map((t) => Math.fround(t + 4)))
    for (const value of divergences(full, logits, [0, 40, 97])) expect(Math.abs(value)).toBeLessThan(2e-6)
  })
})
