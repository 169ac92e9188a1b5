import { describe, expect, it } from 'vitest'
import { labelledTexts, setsOf } from '../../../../src/cli/actions/sweepTexts'
import { EVERY_FIELD } from '../../../helpers/everyField'

describe('calibration sets of a sweep', () => {
  it('take the rows that the recipe says, also of other texts', () => {
    const calibration = labelledTexts(['/b/law-train.txt', 'set:chat'])
    for (const recipe of EVERY_FIELD) {
      const { files: _, set: __, ...wish } = recipe.calibration
      const { sets } = setsOf(recipe, { calibration, evaluation: [], rows: undefined })
      expect(sets).toEqual([
        { label: 'law', source: { files: ['/b/law-train.txt'], ...wish } },
        { label: 'chat', source: { set: 'chat', ...wish } }
      ])
    }
  })

  it('take the rows that were asked for beside a recipe, of the same draw', () => {
    const [recipe] = EVERY_FIELD
    const given = { calibration: [], evaluation: [], rows: { rows: 5 } }
    const own = { files: recipe?.calibration.files, draw: 2, rows: 5 }
    expect(recipe && setsOf(recipe, given).sets.map(({ source }) => source)).toEqual([own])
  })
})
