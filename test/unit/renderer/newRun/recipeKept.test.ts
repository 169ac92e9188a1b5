import { describe, expect, it } from 'vitest'
import { checkDraft, draftOf } from '../../../../src/renderer/newRun/draft'
import { withHeldOut } from '../../../../src/renderer/newRun/heldOut'
import { applyChanges } from '../../../../src/shared/findings'
import { type Recipe, rowsWishOf } from '../../../../src/shared/recipe'
import { type Chip, chipOf, hasChip, toggleChip } from '../../../../src/shared/variantAxes'
import { EVERY_FIELD } from '../../../helpers/everyField'

const [ofFiles, ofSets] = EVERY_FIELD as [Recipe, Recipe]

describe('a recipe in the form', () => {
  it('is the recipe that it was opened with', () => {
    for (const recipe of EVERY_FIELD) {
      expect(checkDraft(draftOf({ recipe, origin: '' })).recipe).toEqual(recipe)
      const stored = JSON.parse(JSON.stringify(draftOf({ recipe, origin: '' })))
      expect(checkDraft(stored).recipe).toEqual(recipe)
    }
  })

  it('asks other texts for the same rows', () => {
    expect(rowsWishOf(ofFiles.calibration)).toEqual({ rows: 96, draw: 2, enough: 0.02 })
    expect(rowsWishOf(ofSets.calibration)).toEqual({ rows: 7, draw: 1, enough: 0.5 })
  })

  it('keeps all but the texts when a part is held out', () => {
    const parts = { calibration: 'law-calibration', evaluation: 'law-evaluation' }
    for (const recipe of EVERY_FIELD)
      expect(withHeldOut(recipe, parts)).toEqual({
        ...recipe,
        calibration: { ...rowsWishOf(recipe.calibration), set: 'law-calibration' },
        evaluation: { ...(recipe.evaluation && rowsWishOf(recipe.evaluation)), set: 'law-evaluation' }
      })
    const { evaluation: _, ...without } = ofSets
    expect(withHeldOut(without, parts).evaluation).toEqual({ set: 'law-evaluation', rows: 64 })
  })

  it('keeps all but what a finding mends', () => {
    const changed = applyChanges(ofFiles, [{ path: ['calibration', 'rows'], value: 12 }])
    expect(changed).toEqual({ ...ofFiles, calibration: { ...ofFiles.calibration, rows: 12 } })
  })

  it.each<Chip>([
    { axis: 'method', method: 'svd' },
    { axis: 'rank', rank: 64 },
    { axis: 'scaling', alpha: 64, rslora: false },
    { axis: 'quantizer', quantizer: { format: 'nf4', blockSize: 256, doubleQuantization: true } },
    { axis: 'ranks', rankBudget: { floor: 3, cap: 9 } },
    { axis: 'refinement', refine: { steps: 5, batch: 1 } }
  ])('gives new variants all that the others have, but for a new $axis', (chip) => {
    const added = toggleChip(ofFiles.variants, chip).filter((variant) => hasChip(variant, chip))
    const { axis, ...value } = chip
    const nameless = ofFiles.variants.map(({ name: _, ...variant }) => ({ ...variant, ...value }))
    expect(added).toHaveLength(new Set(nameless.map((variant) => JSON.stringify(variant))).size)
    expect(added).toEqual(expect.arrayContaining(nameless))
    expect(added.map((variant) => chipOf(variant, axis))).toEqual(added.map(() => chip))
  })
})
