import { describe, expect, it } from 'vitest'
import { fillUniform, seededRandom } from '../../src/engine/numerics/random'

const take = (count: number, ...labels: (string | number)[]): number[] => {
  const random = seededRandom(...labels)
  return Array.from({ length: count }, random)
}

describe('seeded random numbers', () => {
  it('are the same for the same labels, on every machine', () => {
    expect(take(5, 'lora_A', 0, 'model.layers.0')).toEqual(take(5, 'lora_A', 0, 'model.layers.0'))
    // By another implementation of xoshiro128** (big integers); other numbers would change the bytes of every adapter.
    expect(take(3, 'lora_A', 0).map((x) => x * 2 ** 32)).toEqual([2672028267, 767840003, 402977338])
  })

  it('are others for other labels', () => {
    const sequences = [['a', 1], ['a', 2], ['b', 1], ['a', '1', ''], ['a1'], []].map((labels) =>
      take(4, ...labels).join()
    )
    expect(new Set(sequences).size).toBe(sequences.length)
  })

  it('fill [0, 1) evenly', () => {
    const count = 100_000
    const numbers = take(count, 'even')
    const bins = new Array<number>(16).fill(0)
    for (const x of numbers) {
      expect(x >= 0 && x < 1).toBe(true)
      const bin = Math.floor(16 * x)
      bins[bin] = (bins[bin] as number) + 1
    }
    // A bin's count has a standard deviation of √(count / 16 · 15 / 16) = 77; six of them are never reached by chance.
    for (const bin of bins) expect(Math.abs(bin - count / 16)).toBeLessThan(6 * 77)
    // Neighbours do not depend on each other: the correlation's standard deviation is 1 / √count = 0.0032.
    const products = numbers.slice(1).reduce((sum, x, i) => sum + (x - 0.5) * ((numbers[i] as number) - 0.5), 0)
    expect(Math.abs((12 * products) / count)).toBeLessThan(6 * 0.0032)
  })

  it('fill an array within a bound on both sides of zero', () => {
    const values = new Float32Array(10_000)
    fillUniform(values, 0.25, seededRandom('fill'))
    expect(values.every((x) => x >= -0.25 && x <= 0.25)).toBe(true)
    expect(Math.min(...values)).toBeLessThan(-0.249)
    expect(Math.max(...values)).toBeGreaterThan(0.249)
  })
})
