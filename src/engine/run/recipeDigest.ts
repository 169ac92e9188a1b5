import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Recipe } from '../../shared/recipe'
import { RUN_FILES } from '../../shared/runFolder'
import { isMissing, writeFileAtomic } from '../formats/files'

/*
 * A run's recipe lies in its folder as a file that people can write to. Of what decides its factors, tokens and weights are looked
 * at by themselves (tokenDigest.ts, modelUnchanged.ts), and a variant of another name has no factors yet; but those of one alpha
 * would be exported under another, with figures that were measured under the first.
 */

/** SHA-256 of what a recipe says of its adapters. */
export function recipeDigest({ variants, neverWorse, factorDtype, seed }: Recipe): string {
  return createHash('sha256').update(JSON.stringify({ variants, neverWorse, factorDtype, seed })).digest('hex')
}

/** Whether the run in the folder began with this recipe; true where an older version noted nothing. */
export async function beganWithRecipe(folder: string, digest: string): Promise<boolean> {
  try {
    return (await readFile(join(folder, RUN_FILES.recipe), 'utf8')).trim() === digest
  } catch (error) {
    if (isMissing(error)) return true
    throw error
  }
}

export const noteRecipe = (folder: string, digest: string): Promise<void> =>
  writeFileAtomic(join(folder, RUN_FILES.recipe), `${digest}\n`)
