import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RUN_FILES } from '../../shared/runFolder'
import { isMissing, writeFileAtomic } from '../formats/files'

/*
 * What a run began with is what it has to go on with: digests that lie in its folder from its first block on.
 */

/** What is noted: tokens, what the recipe says of adapters, and what computes. */
const BEGINNINGS = ['tokens', 'recipe', 'numerics'] as const
type Beginning = (typeof BEGINNINGS)[number]

/** Digests of what a run goes on with. */
export type Digests = Readonly<Record<Beginning, string>>

/** Whether a run that noted nothing, as an older version did, is one that began alike. */
const UNNOTED: Readonly<Record<Beginning, boolean>> = { tokens: false, recipe: true, numerics: false }

/** Why what was found before does not count where one of them changed. */
const CHANGED: Readonly<Record<Beginning, string>> = {
  tokens: 'its texts, or what makes tokens of them, are not those that it began with',
  recipe: 'its recipe says of adapters what it did not say when it began',
  numerics: 'another version of Quail began it, and one adapter would be of both'
}

/** Why the run in the folder cannot go on from where it was; undefined where it began with what it goes on with. */
export async function changedSince(folder: string, now: Digests): Promise<string | undefined> {
  for (const what of BEGINNINGS) if (!(await beganWith(folder, what, now[what]))) return CHANGED[what]
  return undefined
}

async function beganWith(folder: string, what: Beginning, digest: string): Promise<boolean> {
  try {
    return (await readFile(join(folder, RUN_FILES[what]), 'utf8')).trim() === digest
  } catch (error) {
    if (isMissing(error)) return UNNOTED[what]
    throw error
  }
}

/** Notes all of it; the tokens last, without which nothing counts: no block of another beginning may stand beside them. */
export async function noteBeginning(folder: string, now: Digests): Promise<void> {
  for (const what of [...BEGINNINGS].reverse()) await writeFileAtomic(join(folder, RUN_FILES[what]), `${now[what]}\n`)
}
