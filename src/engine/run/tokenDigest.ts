import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RUN_FILES } from '../../shared/runFolder'
import { addRows } from '../calibration/rowsDigest'
import { isMissing, writeFileAtomic } from '../formats/files'
import type { PreparedRun } from '../prepare/preparedRun'

/*
 * What a run began with is what it has to go on with, to the token: texts that did not change can still give other tokens
 * when Quail itself reads a tokenizer or a chat template in another way than the version that began the run.
 */

/** SHA-256 of all tokens of a run, and of which of them count. */
export function tokenDigest({ calibration, evaluation }: PreparedRun): string {
  const hash = createHash('sha256')
  addRows(hash, calibration)
  for (const { name, rows } of evaluation) {
    hash.update(JSON.stringify(name))
    addRows(hash, rows)
  }
  return hash.digest('hex')
}

/** Whether the run in the folder began with these tokens; false where an older version noted nothing. */
export async function beganWith(folder: string, digest: string): Promise<boolean> {
  try {
    return (await readFile(join(folder, RUN_FILES.tokens), 'utf8')).trim() === digest
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

export const noteTokens = (folder: string, digest: string): Promise<void> =>
  writeFileAtomic(join(folder, RUN_FILES.tokens), `${digest}\n`)
