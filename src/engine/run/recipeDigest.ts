import { createHash } from 'node:crypto'
import type { Recipe } from '../../shared/recipe'

/*
 * A run's recipe lies in its folder as a file that people can write to. Of what decides its factors, tokens and weights are looked
 * at by themselves (tokenDigest.ts, modelUnchanged.ts), and a variant of another name has no factors yet; but those of one alpha
 * would be exported under another, with figures that were measured under the first.
 */

/** SHA-256 of what a recipe says of its adapters. */
export function recipeDigest({ variants, neverWorse, factorDtype, seed }: Recipe): string {
  return createHash('sha256').update(JSON.stringify({ variants, neverWorse, factorDtype, seed })).digest('hex')
}
