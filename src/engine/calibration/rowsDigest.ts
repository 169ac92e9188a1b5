import { createHash, type Hash } from 'node:crypto'
import { bytesOf } from '../numerics/bytesOf'
import type { TokenRows } from './rows'

/** Adds all that rows are to a digest: their tokens, their lengths, and which of the tokens count. */
export function addRows(hash: Hash, { context, ids, lengths, counted }: TokenRows): void {
  hash.update(JSON.stringify([context, lengths.length]))
  for (const values of [ids, lengths, counted]) hash.update(bytesOf(values))
}

/** SHA-256 of rows, in hexadecimal. */
export function rowsDigest(rows: TokenRows): string {
  const hash = createHash('sha256')
  addRows(hash, rows)
  return hash.digest('hex')
}
