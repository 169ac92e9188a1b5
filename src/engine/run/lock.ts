import { readFileSync } from 'node:fs'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { AppError } from '../../shared/errors'
import { RUN_FILES } from '../../shared/runFolder'

const Holder = z.object({ pid: z.int(), started: z.string(), host: z.string() })
type Holder = z.infer<typeof Holder>

/** True while a living process works on the run in this folder. */
export async function isLocked(folder: string): Promise<boolean> {
  const holder = await readHolder(join(folder, RUN_FILES.lock))
  return holder !== undefined && isAlive(holder)
}

/**
 * Claims a run for this process. The claim of a process that died is taken over.
 *
 * @returns releases the claim
 * @throws {AppError} LOCKED while another living process holds it
 */
export async function lockRun(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, RUN_FILES.lock)
  for (let attempt = 0; attempt < 3; attempt++) {
    if (await claim(path)) return () => rm(path, { force: true })
    const holder = await readHolder(path)
    if (holder !== undefined && isAlive(holder)) throw lockedBy(folder, holder)
    await removeStale(folder, path)
  }
  throw new AppError('LOCKED', `${folder}: another process took this run at the same moment`)
}

/**
 * Moves a dead process's claim away. Between looking and moving somebody else may have claimed the run: what was moved is
 * looked at once more, and put back when it is alive.
 */
async function removeStale(folder: string, path: string): Promise<void> {
  const aside = `${path}.stale.${process.pid}`
  try {
    await rename(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  const holder = await readHolder(aside)
  const alive = holder !== undefined && isAlive(holder)
  if (alive) await link(aside, path).catch(() => undefined)
  await rm(aside, { force: true })
  if (alive) throw lockedBy(folder, holder)
}

function lockedBy(folder: string, { pid, host }: Holder): AppError {
  const elsewhere = host === hostname() ? '' : ` on ${host}; if it has ended, delete ${join(folder, RUN_FILES.lock)}`
  return new AppError('LOCKED', `${folder}: process ${pid} is working on this run${elsewhere}`)
}

/** Makes the lock file with its content in one step, so that nobody ever reads a half-written one. */
async function claim(path: string): Promise<boolean> {
  const own: Holder = { pid: process.pid, started: startOf(process.pid), host: hostname() }
  const temporary = `${path}.${process.pid}`
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

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return Holder.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch {
    return undefined
  }
}

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
