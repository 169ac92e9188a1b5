import { readFileSync } from 'node:fs'
import { link, open, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { AppError } from '../../shared/errors'
import { RUN_FILES } from '../../shared/runFolder'
import { sweepTemporaries, temporaryName } from '../formats/temporaryNames'

const Holder = z.object({ pid: z.int(), started: z.string(), host: z.string() })
type Holder = z.infer<typeof Holder>

/** True while a living process works on the run in this folder. */
export async function isLocked(folder: string): Promise<boolean> {
  return isHeld(await readHolder(join(folder, RUN_FILES.lock)))
}

/**
 * Claims a run for this process. The claim of a process that died is taken over.
 *
 * @returns releases the claim
 * @throws {AppError} LOCKED while another living process holds it
 */
export async function lockRun(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, RUN_FILES.lock)
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    if (await claim(path)) return () => rm(path, { force: true })
    const holder = await readHolder(path)
    if (isHeld(holder)) throw lockedBy(folder, holder)
    await removeStale(path)
  }
  throw new AppError('LOCKED', `${folder}: another process took this run at the same moment`)
}

const WAIT_MS = 20
/** A process that removes a stale claim needs milliseconds; a right to do so that is older was left by one that died. */
const TAKEOVER_MS = 10_000
/** A right that a killed process left is waited out: whoever resumes at once is not told of a process that does not live. */
const MAX_ATTEMPTS = (2 * TAKEOVER_MS) / WAIT_MS

/**
 * Removes the claim of a dead process. Only one process may do that at a time, and it looks again before it does: a claim
 * that was made in between is never removed.
 */
async function removeStale(path: string): Promise<void> {
  const right = `${path}.takeover`
  try {
    await (await open(right, 'wx')).close()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    const age = await stat(right).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0
    )
    if (age > TAKEOVER_MS) await rm(right, { force: true })
    await sleep(WAIT_MS)
    return
  }
  try {
    const holder = await readHolder(path)
    if (holder !== 'none' && !isHeld(holder)) await rm(path, { force: true })
  } finally {
    await rm(right, { force: true })
  }
}

function lockedBy(folder: string, { pid, host }: Holder): AppError {
  const elsewhere = host === hostname() ? '' : ` on ${host}; if it has ended, delete ${join(folder, RUN_FILES.lock)}`
  return new AppError('LOCKED', `${folder}: process ${pid} is working on this run${elsewhere}`)
}

/** Makes the lock file with its content in one step, so that nobody ever reads a half-written one. */
async function claim(path: string): Promise<boolean> {
  const own: Holder = { pid: process.pid, started: startOf(process.pid), host: hostname() }
  const temporary = temporaryName(path)
  await sweepTemporaries(path)
  await writeFile(temporary, JSON.stringify(own))
  try {
    await link(temporary, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    await rm(temporary, { force: true })
  }
}

/** Who holds the claim: `none` without a file, `unreadable` for a file that no claim looks like. */
async function readHolder(path: string): Promise<Holder | 'none' | 'unreadable'> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return 'none'
  try {
    return Holder.parse(JSON.parse(text))
  } catch {
    return 'unreadable'
  }
}

const isHeld = (holder: Holder | 'none' | 'unreadable'): holder is Holder =>
  typeof holder === 'object' && isAlive(holder)

/** A process with this id lives and is the one that claimed: ids are given again after a reboot. */
function isAlive({ pid, started, host }: Holder): boolean {
  if (host !== hostname()) return true // on a shared disk the other machine's processes cannot be seen
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return startOf(pid) === started
}

/** When a process started, in clock ticks after boot with the boot's id; empty where the system does not tell. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z') return 'dead' // killed, and only its parent has not looked yet
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${fields[19]}`
  } catch {
    return ''
  }
}
