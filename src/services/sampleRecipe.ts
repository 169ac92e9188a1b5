import { join } from 'node:path'
import { METHODS } from '../shared/methods'
import { Recipe } from '../shared/recipe'

/** The whole job on the sample model that comes with Quail: every method at rank 16, two evaluation texts. */
export function sampleRecipe(resources: string): Recipe {
  const sample = join(resources, 'sample')
  const text = (name: string): string => join(sample, 'text', name)
  return Recipe.parse({
    version: 1,
    name: 'demo',
    model: join(sample, 'model'),
    calibration: { files: [text('sotu-calibration.txt')] },
    evaluation: { files: [text('sotu-evaluation.txt'), text('moby-evaluation.txt')] },
    variants: METHODS.map((method) => ({ method, rank: 16 }))
  })
}
