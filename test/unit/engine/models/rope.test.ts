import { describe, expect, it } from 'vitest'
import { ConfigReader } from '../../../../src/engine/models/configReader'
import { type Rope, rotaryTables, rotationOf } from '../../../../src/engine/models/rope'
import { type RopeForm, readRope, STANDARD_ROPE } from '../../../../src/engine/models/ropeSettings'

const partial: RopeForm = { ...STANDARD_ROPE, partial: true }
const neox: RopeForm = { theta: ['rotary_emb_base', 10_000], share: ['rotary_pct', 0.25], partial: true }
const read = (config: Record<string, unknown>, headDim = 64, form = STANDARD_ROPE, limit = 16_384): Rope =>
  readRope(new ConfigReader(config, 'config.json'), form, { headDim, limit })

/** θ^(−2i/d). */
const plain = (theta: number, d: number): number[] => Array.from({ length: d / 2 }, (_, i) => theta ** ((-2 * i) / d))

function expectFrequencies(rope: Rope, expected: readonly number[], context = 8): void {
  const { frequencies } = rotationOf(rope, context)
  expect(frequencies).toHaveLength(expected.length)
  // float32 step by step, against float64: four roundings of 6e-8.
  expected.forEach((value, i) => {
    expect(Math.abs((frequencies[i] as number) / value - 1)).toBeLessThan(4 * 6e-8)
  })
}

describe('rotary frequencies', () => {
  it('fall as powers of the base, 10000 unless it is given', () => {
    expectFrequencies(read({}), plain(10_000, 64))
    expectFrequencies(read({ rope_theta: 500_000 }), plain(500_000, 64))
    expectFrequencies(read({ rope_parameters: { rope_type: 'default', rope_theta: 500_000 } }), plain(500_000, 64))
  })

  it('are divided by the factor of linear scaling', () => {
    const scaled = plain(10_000, 64).map((frequency) => frequency / 4)
    expectFrequencies(read({ rope_scaling: { rope_type: 'linear', factor: 4 } }), scaled)
  })

  it('of llama3 keep short wavelengths, stretch long ones and blend those between', () => {
    const llama3 = {
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 8192
    }
    const kinds = { kept: 0, blended: 0, stretched: 0 }
    const expected = plain(500_000, 128).map((frequency) => {
      const turns = (8192 * frequency) / (2 * Math.PI) // how often it turns within the original context
      if (turns > 4) {
        kinds.kept++
        return frequency
      }
      if (turns < 1) {
        kinds.stretched++
        return frequency / 8
      }
      kinds.blended++
      const smooth = (turns - 1) / 3
      return (1 - smooth) * (frequency / 8) + smooth * frequency
    })
    expect(Math.min(kinds.kept, kinds.blended, kinds.stretched)).toBeGreaterThan(2)
    const settings = { rope_type: 'llama3', ...llama3 }
    expectFrequencies(read({ rope_parameters: { ...settings, rope_theta: 500_000 } }, 128), expected)
    expectFrequencies(read({ rope_scaling: settings, rope_theta: 500_000 }, 128), expected)
  })

  it.each([
    ['linear', { factor: 2 }],
    ['llama3', { factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 64 }]
  ])('are the same in the config of transformers 4 and of 5: %s', (type, settings) => {
    const five = read({ rope_parameters: { rope_type: type, rope_theta: 5000, ...settings }, rope_theta: 1 })
    expect(read({ rope_theta: 5000, rope_scaling: { type, ...settings } })).toEqual(five)
    expect(read({ rope_theta: 5000, rope_scaling: { rope_type: type, ...settings } })).toEqual(five)
    expect(read({ rope_theta: 5000, rope_scaling: { rope_type: type, type: 'old', ...settings } })).toEqual(five)
  })

  it('are the plain ones where rope_scaling is null', () => {
    expect(read({ rope_theta: 10_000, rope_scaling: null })).toEqual(read({}))
  })

  it('rotate a part of each head where the config says so and the family can', () => {
    expect(read({ partial_rotary_factor: 0.5 }, 64, partial).size).toBe(32)
    expect(read({ partial_rotary_factor: 0.5 }).size).toBe(64)
    const half = read({ rotary_pct: 0.5, rotary_emb_base: 5000 }, 64, neox)
    expect(half.size).toBe(32)
    expectFrequencies(half, plain(5000, 32))
    expect(
      read({ rope_parameters: { rope_type: 'default', rope_theta: 5000, partial_rotary_factor: 0.5 } }, 64, neox)
    ).toEqual(half)
    // What transformers assumes for GPT-NeoX.
    expect(read({}, 64, neox).size).toBe(16)
  })

  it.each(['su', 'axial', 'proportionally'])('refuse %s in a sentence that names the key', (type) => {
    const types = 'one of default, linear, dynamic, llama3, yarn, longrope, proportional'
    expect(() => read({ rope_parameters: { rope_type: type } })).toThrow(
      `config.json: rope_parameters: rope_type is "${type}", expected ${types}`
    )
    expect(() => read({ rope_scaling: { type, factor: 2 } })).toThrow(
      `config.json: rope_scaling: type is "${type}", expected ${types}`
    )
  })

  it('of dynamic scaling are the plain ones up to the last position, and have a larger base beyond it', () => {
    const rope = read({ rope_scaling: { type: 'dynamic', factor: 4 } }, 64, STANDARD_ROPE, 32)
    expectFrequencies(rope, plain(10_000, 64), 32)
    expectFrequencies(rope, plain(10_000 * (4 * 2 - 3) ** (64 / 62), 64), 64)
  })

  it('of longrope have a list for short rows and one for long ones; a given factor sets the magnitude', () => {
    const lists = { short_factor: [1, 2], long_factor: [4, 8] }
    const read4 = (more: object) =>
      read({ rope_scaling: { type: 'longrope', ...lists, ...more } }, 4, STANDARD_ROPE, 256)
    const rope = read4({ original_max_position_embeddings: 32, factor: 2 })
    const [first, second] = plain(10_000, 4) as [number, number]
    expectFrequencies(rope, [first, second / 2], 32)
    expectFrequencies(rope, [first / 4, second / 8], 33)
    const magnitude = (more: object) =>
      rotationOf(read4({ original_max_position_embeddings: 32, ...more }), 1).magnitude
    expect(magnitude({ factor: 2 })).toBeCloseTo(Math.sqrt(1 + Math.log(2) / Math.log(32)), 12)
    expect(magnitude({})).toBeCloseTo(Math.sqrt(1 + Math.log(256 / 32) / Math.log(32)), 12)
    expect(magnitude({ factor: 2, attention_factor: 1.25 })).toBe(1.25)
  })

  it.each([
    [{ rope_scaling: { type: 'linear', factor: null } }, 'rope_scaling: factor is null, expected a number'],
    [{ rope_theta: null }, 'rope_parameters: rope_theta is null, expected a number'],
    [{ rope_scaling: { type: 'linear', factor: 2 }, partial_rotary_factor: 0.5 }, '32 dimensions of a head rotate'],
    [{ rope_scaling: { type: 'yarn', original_max_position_embeddings: 8 } }, 'factor is missing, expected a number'],
    [{ rope_scaling: { type: 'linear', factor: 0 } }, 'the rotary frequencies that these values give are not finite'],
    [{ rope_scaling: 7 }, 'rope_scaling is 7, expected an object']
  ])('are refused where transformers would fail: %j', (config, message) => {
    expect(() => read(config)).toThrow(message)
  })

  it('miss what their type needs', () => {
    expect(() => read({ rope_scaling: { type: 'linear' } })).toThrow(
      'config.json: rope_scaling: factor is missing, expected a number'
    )
  })

  it('of a damaged config take no memory', () => {
    expect(() => read({ partial_rotary_factor: 2 ** 40 }, 64, partial)).toThrow(
      /^config\.json: rope_parameters: \d{12,} dimensions of a head rotate, expected an even number up to 64/
    )
    expect(() => read({}, 2 ** 40)).toThrow(/: heads have \d{12,} dimensions, expected at most 65536$/)
    expect(() => read({ partial_rotary_factor: -1 }, 64, partial)).toThrow(/: -\d+ dimensions of a head rotate/)
  })
})

describe('rotary tables', () => {
  it('hold cosine and sine of position times frequency', () => {
    const { cos, sin } = rotaryTables({ magnitude: 1, frequencies: Float32Array.of(1, 0.125) }, 3)
    expect([...cos]).toEqual([1, 1, Math.cos(1), Math.cos(0.125), Math.cos(2), Math.cos(0.25)].map(Math.fround))
    expect([...sin]).toEqual([0, 0, Math.sin(1), Math.sin(0.125), Math.sin(2), Math.sin(0.25)].map(Math.fround))
  })
})
