import { describe, expect, it } from 'vitest'
import { Recipe } from '../../../src/shared/recipe'
import { kindOfText, memberRecipe, placeFolder, type SweepDefinition, setsOfRecipe } from '../../../src/shared/sweep'

const definition: SweepDefinition = {
  id: 's',
  name: 'law and whales',
  out: '/out',
  sets: [
    { label: 'law', source: { files: ['/t/law.txt'], rows: 8 } },
    { label: 'whales / sea', source: { set: 'whales', rows: 4, draw: 2 } }
  ],
  seeds: 3,
  evaluation: ['law']
}

describe('the recipe of a run of a sweep', () => {
  const recipe = Recipe.parse({
    version: 1,
    model: '/m',
    calibration: { files: ['/x'] },
    variants: [{ method: 'svd' }]
  })

  it('takes the calibration set of its place, and with each seed other rows; nothing else differs', () => {
    const { calibration, name, ...others } = memberRecipe(recipe, definition, 2)
    expect(calibration).toEqual({ files: ['/t/law.txt'], rows: 8, draw: 2 })
    expect(name).toBe('law and whales: law, seed 2')
    const { calibration: _, ...own } = recipe
    expect(others).toEqual(own)
  })

  it('counts seeds from the choice of rows of the set itself, and leaves out that of the first', () => {
    expect(memberRecipe(recipe, definition, 0).calibration).toEqual({ files: ['/t/law.txt'], rows: 8 })
    expect(memberRecipe(recipe, definition, 4).calibration).toEqual({ set: 'whales', rows: 4, draw: 3 })
  })

  it('puts its adapters into a folder whose name is safe', () => {
    expect(placeFolder(definition, 5)).toBe('whales___sea-seed2')
  })
})

it('the texts of a recipe are one calibration set, or one each', () => {
  const calibration = { files: ['/t/law-train.txt', '/t/sea.txt'], rows: 8, enough: 0.01 }
  const evaluation = { files: ['/t/law-test.txt'], rows: 4 }
  expect(setsOfRecipe({ calibration, evaluation }, false)).toEqual({
    sets: [{ label: 'law', source: calibration }],
    evaluation: ['law']
  })
  expect(setsOfRecipe({ calibration, evaluation }, true).sets).toEqual([
    { label: 'law', source: { ...calibration, files: ['/t/law-train.txt'] } },
    { label: 'sea', source: { ...calibration, files: ['/t/sea.txt'] } }
  ])
  const set = { set: 'whales-calibration', rows: 8 }
  expect(setsOfRecipe({ calibration: set, evaluation: undefined }, true)).toEqual({
    sets: [{ label: 'whales', source: set }],
    evaluation: []
  })
})

it.each([
  ['/a/b/laws-calibration.txt', 'laws'],
  ['laws_test.jsonl', 'laws'],
  ['laws-evaluation', 'laws'],
  ['C:\\texts\\laws.train.txt', 'laws'],
  ['wiki.v2-valid.md', 'wiki.v2'],
  ['test.txt', 'test'],
  ['évaluations.txt', 'évaluations']
])('the kind of %s is %s', (name, kind) => {
  expect(kindOfText(name)).toBe(kind)
})
