import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type JournalEntry, parseJournal, RUN_FILES } from '../../shared/runFolder'
import { writeFileAtomic } from '../formats/files'

/** Where an entry stands: which block of which pass. */
export type Step = Pick<JournalEntry, 'pass' | 'block'>

/**
 * The finished steps of a run. A last line that was cut off by a kill is dropped, and with it whatever follows a line that
 * does not parse or is not of the step that is next.
 *
 * @param steps - all steps of the run, in order
 */
export async function readJournal(folder: string, steps: readonly Step[]): Promise<JournalEntry[]> {
  const text = await readFile(join(folder, RUN_FILES.journal), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const { entries } = parseJournal(text)
  const other = entries.findIndex(({ pass, block }, i) => pass !== steps[i]?.pass || block !== steps[i]?.block)
  return other < 0 ? entries : entries.slice(0, other)
}

/**
 * Replaces the journal by these entries: drops a torn line before new ones follow it. Whatever happens meanwhile, a full disk
 * included, one of the two is there: a journal that was emptied first would lose hours of work.
 *
 * @throws {AppError} IO, naming the file
 */
export async function rewriteJournal(folder: string, entries: readonly JournalEntry[]): Promise<void> {
  await writeFileAtomic(join(folder, RUN_FILES.journal), entries.map(lineOf).join(''))
}

/** Adds a finished step and waits until it is on the disk: from now on it counts. */
export async function appendJournal(folder: string, entry: JournalEntry): Promise<void> {
  const handle = await open(join(folder, RUN_FILES.journal), 'a')
  try {
    await handle.writeFile(lineOf(entry))
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const lineOf = (entry: JournalEntry): string => `${JSON.stringify(entry)}\n`
