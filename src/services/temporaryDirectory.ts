import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'

/** Gives `work` a directory that is removed afterwards, also when the work fails; by the next process, when this one is killed. */
export async function withTemporaryDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  swept ??= sweep()
  await swept
  const directory = await mkdtemp(join(tmpdir(), `${OWN}${process.pid}-`))
  try {
    return await work(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Names this machine: containers may share the directory, but not the numbers of their processes. */
const OWN = `quail-work-${createHash('sha256').update(hostname()).digest('hex').slice(0, 8)}-`

let swept: Promise<void> | undefined

/** Removes what processes left that are no more. */
async function sweep(): Promise<void> {
  const names = await readdir(tmpdir()).catch(() => [])
  for (const name of names) {
    const [, pid] = /^(\d+)-[A-Za-z0-9]+$/.exec(name.startsWith(OWN) ? name.slice(OWN.length) : '') ?? []
    if (pid === undefined || isAlive(Number(pid))) continue
    await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => {}) // another user's
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
