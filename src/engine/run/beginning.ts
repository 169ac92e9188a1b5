import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RUN_FILES } from '../../shared/runFolder'
import { isMissing, writeFileAtomic } from '../formats/files'

/*
 * What a run began with is what it has to go on with: digests that lie in its folder from its first block on.
 */

/** What is noted: tokens, what the recipe says of adapters, and what computes. */
export type Beginning = 'tokens' | 'recipe' | 'numerics'

/**
 * Whether the run in the folder began with what has this digest.
 *
 * @param unnoted - the answer where an older version noted nothing
 */
export async function beganWith(folder: string, what: Beginning, digest: string, unnoted: boolean): Promise<boolean> {
  try {
    return (await readFile(join(folder, RUN_FILES[what]), 'utf8')).trim() === digest
  } catch (error) {
    if (isMissing(error)) return unnoted
    throw error
  }
}

export const noteBeginning = (folder: string, what: Beginning, digest: string): Promise<void> =>
  writeFileAtomic(join(folder, RUN_FILES[what]), `${digest}\n`)
