import { createHash } from 'node:crypto'
import { addRows } from '../calibration/rowsDigest'
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
