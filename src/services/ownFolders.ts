import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isOfDeadProcess, PROCESS_MARK } from '../engine/formats/processMark'

/** How names of this process's folders of a kind begin; random letters follow. */
export const ownPrefix = (kind: string): string => `${kind}${PROCESS_MARK}-`

/** Removes folders of a kind, also renamed ones (`-renamed`), of processes that are no more. */
export async function sweepFolders(parent: string, kind: string): Promise<void> {
  const names = await readdir(parent).catch(() => [])
  for (const name of names) {
    const rest = name.startsWith(kind) ? name.slice(kind.length) : ''
    const [, mark] = /^([0-9a-f]{8}-\d+)-[A-Za-z0-9]+(?:-renamed)?$/.exec(rest) ?? []
    if (mark === undefined || !isOfDeadProcess(mark)) continue
    await rm(join(parent, name), { recursive: true, force: true }).catch(() => {}) // another user's
  }
}
