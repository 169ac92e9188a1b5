import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { acceptedVariants, type JournalEntry, RUN_FILES, refinedVariants, solvedBlocks } from '../../shared/runFolder'

/** How files of a refinement begin in the spool, the hidden ones that were being written included. */
const OF_REFINEMENT = /^\.?refine\./

/**
 * Removes factors and states of refinements that no finished step needs: what a killed process was writing, and what it had
 * not yet removed.
 */
export async function sweepRefinements(folder: string, journal: readonly JournalEntry[]): Promise<void> {
  const refined = [...refinedVariants(journal).values()]
  const needed = [...solvedBlocks(journal), ...acceptedVariants(journal).values(), ...refined].map(
    ({ factors }) => factors?.file
  )
  const states = refined.map(({ state }) => state?.file)
  await sweep(folder, RUN_FILES.factors, needed, () => true)
  await sweep(folder, RUN_FILES.spool, states, (name) => OF_REFINEMENT.test(name))
}

async function sweep(
  folder: string,
  part: string,
  needed: readonly (string | undefined)[],
  own: (name: string) => boolean
): Promise<void> {
  const kept = new Set(needed)
  for (const name of await readdir(join(folder, part))) {
    if (own(name) && !kept.has(`${part}/${name}`)) await rm(join(folder, part, name), { force: true })
  }
}
