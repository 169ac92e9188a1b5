import { join } from 'node:path'
import { METHODS } from '../shared/methods'
import { Recipe } from '../shared/recipe'

/** Half as many as usual: eight models read them all, and shares of the gap are still known to a few percent. */
const EVALUATION_ROWS = 32

/** The whole job on the sample model that comes with Quail: every method at rank 16, two evaluation texts. */
export function sampleRecipe(resources: string): Recipe {
  const sample = join(resources, 'sample')
  const text = (name: string): string => join(sample, 'text', name)
  return Recipe.parse({
    version: 1,
    name: 'demo',
    model: join(sample, 'model'),
    calibration: { files: [text('sotu-calibration.txt')] },
    evaluation: { files: [text('sotu-evaluation.txt'), text('moby-evaluation.txt')], rows: EVALUATION_ROWS },
    variants: METHODS.map((method) => ({ method, rank: 16 }))
  })
}
