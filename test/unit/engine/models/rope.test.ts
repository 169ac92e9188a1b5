import { describe, expect, it } from 'vitest'
import { ConfigReader } from '../../../../src/engine/models/configReader'
import { type Rope, readRope, rotaryTables } from '../../../../src/engine/models/rope'

const llamaKeys = { theta: 'rope_theta', partial: 'partial_rotary_factor' }
const neoxKeys = { theta: 'rotary_emb_base', partial: 'rotary_pct', partialDefault: 0.25 }
const read = (config: Record<string, unknown>, headDim = 64, keys: typeof llamaKeys = llamaKeys): Rope =>
  readRope(new ConfigReader(config, 'config.json'), headDim, keys)

/** θ^(−2i/d). */
const plain = (theta: number, d: number): number[] => Array.from({ length: d / 2 }, (_, i) => theta ** ((-2 * i) / d))

function expectFrequencies({ frequencies }: Rope, expected: readonly number[]): void {
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

  it('rotate a part of each head where the config says so', () => {
    expect(read({ partial_rotary_factor: 0.5 }).dimensions).toBe(32)
    const neox = read({ rotary_pct: 0.5, rotary_emb_base: 5000 }, 64, neoxKeys)
    expect(neox.dimensions).toBe(32)
    expectFrequencies(neox, plain(5000, 32))
    expect(
      read({ rope_parameters: { rope_type: 'default', rope_theta: 5000, partial_rotary_factor: 0.5 } }, 64, neoxKeys)
    ).toEqual(neox)
    // What transformers assumes for GPT-NeoX.
    expect(read({}, 64, neoxKeys).dimensions).toBe(16)
  })

  it.each(['yarn', 'dynamic', 'proportional'])('refuse %s in a sentence that names the key', (type) => {
    expect(() => read({ rope_parameters: { rope_type: type } })).toThrow(
      `config.json: rope_parameters: rope_type is "${type}", expected one of default, linear, llama3, longrope`
    )
    expect(() => read({ rope_scaling: { type, factor: 2 } })).toThrow(
      `config.json: rope_scaling: type is "${type}", expected one of default, linear, llama3, longrope`
    )
  })

  it('miss what their type needs', () => {
    expect(() => read({ rope_scaling: { type: 'linear' } })).toThrow(
      'config.json: rope_scaling: factor is missing, expected a number'
    )
  })

  it('of a damaged config take no memory', () => {
    expect(() => read({ partial_rotary_factor: 2 ** 40 })).toThrow(
      /^config\.json: \d{12,} dimensions of a head rotate, expected 0 to 65536$/
    )
    expect(() => read({ partial_rotary_factor: -1 })).toThrow(/^config\.json: -\d+ dimensions of a head rotate/)
  })
})

describe('rotary tables', () => {
  it('hold cosine and sine of position times frequency', () => {
    const { cos, sin } = rotaryTables({ dimensions: 4, frequencies: Float32Array.of(1, 0.125) }, 3)
    expect([...cos]).toEqual([1, 1, Math.cos(1), Math.cos(0.125), Math.cos(2), Math.cos(0.25)].map(Math.fround))
    expect([...sin]).toEqual([0, 0, Math.sin(1), Math.sin(0.125), Math.sin(2), Math.sin(0.25)].map(Math.fround))
  })
})
