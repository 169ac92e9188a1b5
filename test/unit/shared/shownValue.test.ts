import { expect, it } from 'vitest'
import { readArchitecture } from '../../../src/engine/models/registry'
import { shownValue } from '../../../src/shared/shownValue'

it('shows a value as JSON has it, and of a long one the beginning', () => {
  expect([shownValue(null), shownValue('a'), shownValue([1]), shownValue(undefined)]).toEqual([
    'null',
    '"a"',
    '[1]',
    'missing'
  ])
  expect(shownValue('x'.repeat(1000))).toBe(`"${'x'.repeat(199)}…`)
})

it('keeps a sentence short, however long a value of config.json is', () => {
  const long = { model_type: 'llama', layer_types: null, hidden_act: 'x'.repeat(70_000) }
  for (const config of [long, { model_type: 'x'.repeat(70_000) }]) {
    expect(() => readArchitecture(config, 'config.json')).toThrow(/^config\.json: \w+ is "x{199}….{0,400}$/)
  }
})
