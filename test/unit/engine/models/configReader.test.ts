import { describe, expect, it } from 'vitest'
import { ConfigReader } from '../../../../src/engine/models/configReader'

const read = (config: Record<string, unknown>) => new ConfigReader(config, 'DIR/config.json')

describe('a config', () => {
  it('gives values of the asked kind, and the fallback where a key is missing', () => {
    const config = read({ size: 8, epsilon: 1e-5, flag: false, name: 'silu', nothing: null })
    expect(config.integer('size')).toBe(8)
    expect(() => config.integer('nothing', 3)).toThrow('nothing is null, expected a positive integer')
    expect(config.integer('missing', 3)).toBe(3)
    expect(config.number('epsilon')).toBe(1e-5)
    expect(config.boolean('flag', true)).toBe(false)
    expect(config.string('name')).toBe('silu')
    expect([config.has('size'), config.has('nothing'), config.has('missing')]).toEqual([true, false, false])
    expect([config.given('size'), config.given('nothing'), config.given('missing')]).toEqual([true, true, false])
  })

  it.each([
    ['integer', 0, 'size is 0, expected a positive integer'],
    ['integer', -4, 'size is -4, expected a positive integer'],
    ['integer', 2.5, 'size is 2.5, expected a positive integer'],
    ['integer', '8', 'size is "8", expected a positive integer'],
    ['integer', undefined, 'size is missing, expected a positive integer'],
    ['number', 'much', 'size is "much", expected a number'],
    ['number', [1], 'size is [1], expected a number'],
    ['number', 1e300, 'size is 1e+300, expected a number'],
    ['boolean', 1, 'size is 1, expected true or false'],
    ['string', 7, 'size is 7, expected a string'],
    ['object', 7, 'size is 7, expected an object'],
    ['object', [], 'size is [], expected an object']
  ] as const)('says in one sentence that %s cannot be %j', (kind, value, message) => {
    expect(() => read({ size: value })[kind]('size')).toThrow(
      expect.objectContaining({ code: 'BAD_INPUT', message: `DIR/config.json: ${message}` })
    )
  })

  it('names the way to a nested key', () => {
    const nested = read({ rope_scaling: { factor: 'two' } }).object('rope_scaling')
    expect(() => nested.number('factor')).toThrow('DIR/config.json: rope_scaling: factor is "two", expected a number')
  })

  it('has an empty object where a nested one is missing', () => {
    expect(read({}).object('rope_scaling').has('factor')).toBe(false)
  })
})
