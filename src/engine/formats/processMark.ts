import { createHash } from 'node:crypto'
import { hostname } from 'node:os'

/*
 * What a process makes for a while carries its mark in its name, so that another can remove it when the process was killed
 * before it could.
 */

/** Names this machine: containers may share a directory, but not the numbers of their processes. */
const MACHINE = createHash('sha256').update(hostname()).digest('hex').slice(0, 8)

/** Of this process: `<machine>-<number>`, on which random letters follow. */
export const PROCESS_MARK = `${MACHINE}-${process.pid}`

/** The mark in a name is that of a process of this machine that is no more. */
export function isOfDeadProcess(mark: string): boolean {
  const pid = mark.startsWith(`${MACHINE}-`) ? mark.slice(MACHINE.length + 1) : ''
  return /^\d+$/.test(pid) && !isAlive(Number(pid))
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
