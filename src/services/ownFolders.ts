import { createHash } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'

/*
 * Folders that a process makes for a while carry its number, so that another can remove them when it was killed before it
 * could.
 */

/** Names this machine: containers may share a directory, but not the numbers of their processes. */
const MACHINE = createHash('sha256').update(hostname()).digest('hex').slice(0, 8)

/** How names of this process's folders of a kind begin; random letters follow. */
export const ownPrefix = (kind: string): string => `${kind}${MACHINE}-${process.pid}-`

/** Removes folders of a kind, also renamed ones (`-renamed`), of processes that are no more. */
export async function sweepFolders(parent: string, kind: string): Promise<void> {
  const names = await readdir(parent).catch(() => [])
  const begin = `${kind}${MACHINE}-`
  for (const name of names) {
    const rest = name.startsWith(begin) ? name.slice(begin.length) : ''
    const [, pid] = /^(\d+)-[A-Za-z0-9]+(?:-renamed)?$/.exec(rest) ?? []
    if (pid === undefined || isAlive(Number(pid))) continue
    await rm(join(parent, name), { recursive: true, force: true }).catch(() => {}) // another user's
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
