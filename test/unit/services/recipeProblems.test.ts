import { describe, expect, it } from 'vitest'
import { describeRecipeProblems, parseRecipe, recipeSchema } from '../../../src/services/recipeProblems'

const good = {
  version: 1,
  model: 'm',
  calibration: { files: ['a.txt'] },
  variants: [{ method: 'exact' }]
}

const problem = (changes: Record<string, unknown>): string => {
  const parsed = parseRecipe({ ...good, ...changes })
  return parsed.success ? 'accepted' : describeRecipeProblems(parsed.error)
}

describe('what is wrong with a recipe', () => {
  it('accepts a recipe that leaves everything with a default out', () => {
    const parsed = parseRecipe(good)
    expect(parsed.success && parsed.data.variants[0]).toMatchObject({ rank: 16, targets: 'all-linear' })
  })

  it.each([
    [{ variants: [{ method: 'svd', rnak: 8 }] }, 'variants.0.rnak: unknown key; did you mean rank?'],
    [{ quantiser: 1 }, /^quantiser: unknown key; accepted are version, name, model, base, calibration/],
    [{ calibration: { flies: ['a'] } }, /calibration\.flies: unknown key; did you mean files\?/],
    [{ calibration: {} }, 'calibration: give either files or set'],
    [
      { variants: [{ method: 'exat' }] },
      /^variants\.0\.method: "exat" is not accepted; one of zero.*did you mean exact\?/
    ],
    [{ variants: [{ method: 'svd', rank: 0 }] }, 'variants.0.rank: 0 is too small; at least 1 is needed'],
    [{ variants: [{ method: 'svd', rank: 1.5 }] }, 'variants.0.rank: 1.5 is not a whole number'],
    [{ variants: [] }, 'variants: the list is too short; at least 1 is needed'],
    [{ model: undefined }, 'model: missing; a text is needed'],
    [{ version: 2 }, 'version: 2 is not accepted; 1 is needed'],
    [{ context: 'long' }, /^context: "long" is not a (whole )?number$/],
    [{ variants: [{ method: 'svd', quantizer: { blockSize: 65 } }] }, /blockSize: 65 is not accepted; one of 32, 64/],
    [
      { variants: [{ method: 'svd', quantizer: { format: 'int8', blockSize: 128 } }] },
      /^variants\.0\.quantizer: int8 has one scale for each row: leave out block size/
    ],
    [
      { variants: [{ method: 'svd', quantizer: { format: 'int8', doubleQuantization: false } }] },
      /^variants\.0\.quantizer: int8 has one scale for each row: leave out/
    ],
    [
      { variants: [{ method: 'svd', targets: 5 }] },
      /targets: 5 is not accepted; all-linear or a list or a mapping of keys to values is needed/
    ],
    [
      { variants: [{ method: 'svd', targets: { regex: '(?i)q' } }] },
      /^variants\.0\.targets\.regex: "\(\?i\)q" holds a flag \(character 0\), which Python and JavaScript/
    ],
    [{ variants: [{ method: 'svd', alpha: 0 }] }, 'variants.0.alpha: 0 is too small; more than 0 is needed'],
    [{ variants: [{ method: 'svd', name: 'a/b' }] }, /"a\/b" is not accepted; letters, digits/]
  ])('says in one sentence what is wrong with %j', (changes, expected) => {
    if (typeof expected === 'string') expect(problem(changes)).toBe(expected)
    else expect(problem(changes)).toMatch(expected)
  })

  it('says that the whole recipe is no mapping', () => {
    const parsed = parseRecipe('just text')
    expect(parsed.success ? '' : describeRecipeProblems(parsed.error)).toBe(
      '"just text" is not a mapping of keys to values'
    )
  })
})

describe('the schema for editors', () => {
  it('lists the keys of the recipe and requires only those without a default', () => {
    const schema = recipeSchema()
    expect(Object.keys(schema.properties ?? {})).toContain('memoryBudget')
    expect(schema.required).toEqual(['version', 'model', 'calibration', 'variants'])
    expect(schema.additionalProperties).toBe(false)
  })
})
