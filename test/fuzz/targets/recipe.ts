import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readRecipeFile } from '../../../src/services/recipeFile'
import { recipeJson, recipeYaml } from '../../../src/services/recipeText'
import { Recipe } from '../../../src/shared/recipe'
import type { FuzzInput, FuzzTarget } from '../fuzzTarget'
import { mutateText } from '../mutateText'

const SOUND = Recipe.parse({
  version: 1,
  name: 'laws',
  model: './model',
  calibration: { files: ['./a.txt', 'b.txt'], rows: 32 },
  evaluation: { set: 'held out' },
  policy: 'padded',
  variants: [
    { method: 'quailora', rank: 8, iterations: 5, targets: ['q_proj', 'model.layers.0.mlp.up_proj'] },
    { method: 'svd', alpha: 32, rslora: true, quantizer: { format: 'fp4', blockSize: 128, doubleQuantization: false } }
  ],
  factorDtype: 'bfloat16',
  seed: 7
})

/** Recipes, in YAML and in JSON. */
export const recipe: FuzzTarget = {
  name: 'recipe',
  inputs: 1750,
  make: (random): FuzzInput =>
    random(2) === 0
      ? { 'recipe.yaml': mutateText(recipeYaml(SOUND), random) }
      : { 'recipe.json': mutateText(recipeJson(SOUND), random) },
  read: async (directory) => {
    for (const name of await readdir(directory)) await readRecipeFile(join(directory, name))
  }
}
