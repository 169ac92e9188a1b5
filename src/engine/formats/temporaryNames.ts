import { createHash, randomBytes } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isOfDeadProcess, PROCESS_MARK } from './processMark'

/*
 * What is written to be renamed to its place lies beside it until then, as `.<name>.<mark of the process>-<random>.tmp`.
 */

/** A name beside `path` that no other process uses, and that sorts as hidden. */
export const temporaryName = (path: string): string =>
  join(dirname(path), `.${shortName(path)}.${PROCESS_MARK}-${randomBytes(4).toString('hex')}.tmp`)

/**
 * Removes what processes that are no more left beside `path` when they were killed while they wrote it: gigabytes of a model,
 * which nobody sees. Whatever cannot be removed stays.
 */
export async function sweepTemporaries(path: string): Promise<void> {
  const begin = `.${shortName(path)}.`
  const names = await readdir(dirname(path)).catch(() => [])
  for (const name of names) {
    if (!name.startsWith(begin)) continue
    const [, mark] = /^([0-9a-f]{8}-\d+)-[0-9a-f]{8}\.tmp$/.exec(name.slice(begin.length)) ?? []
    if (mark === undefined || !isOfDeadProcess(mark)) continue
    await rm(join(dirname(path), name), { recursive: true, force: true }).catch(() => {}) // another user's
  }
}

/** Longest name, in bytes, to which the rest of a temporary one can be added: file systems take 255. */
const LONGEST = 200

/** The last part of a path, or a digest of one to which nothing can be added. */
function shortName(path: string): string {
  const name = basename(path)
  return Buffer.byteLength(name) <= LONGEST ? name : createHash('sha256').update(name).digest('hex').slice(0, 32)
}
