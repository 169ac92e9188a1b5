import { appendFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeFolder } from '../engine/formats/files'

/** Adds an entry to the log of defects below `home` and returns the log's path; undefined when it cannot be written. */
export async function logDefect(home: string, version: string, stack: string): Promise<string | undefined> {
  const path = join(home, 'logs', 'quail.log')
  try {
    await makeFolder(dirname(path))
    await appendFile(path, `${new Date().toISOString()} quail ${version} node ${process.version}\n${stack}\n\n`)
    return path
  } catch {
    return undefined
  }
}
