import { readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { makeFolder } from './files'
import { sweepTemporaries, temporaryName } from './temporaryNames'

/*
 * The folder of kept second moments: a directory for each set, which is what one model makes of one choice of calibration
 * rows. Its facts are written when it is begun and again when it is complete; they are touched whenever the set is used.
 * Processes need no lock: files appear and vanish as a whole, and a set that vanishes is computed anew.
 */

export const SET_FILES = {
  facts: 'set.json',
  block: (block: number): string => `block-${block}.moments`,
  states: 'states.moments'
} as const

const SetFacts = z.object({
  version: z.literal(1),
  complete: z.boolean(),
  model: z.string().describe('directory of the checkpoint'),
  calibration: z.array(z.string()).describe('names of the texts'),
  tokens: z.int(),
  blocks: z.int()
})
export type SetFacts = z.infer<typeof SetFacts>

/** A set that lies in the folder; without facts, what an interrupted process left. */
export interface FoundSet {
  readonly key: string
  readonly bytes: number
  readonly usedAtMs: number
  readonly facts: SetFacts | undefined
}

/** Directory names of sets: what does not look so is none. */
const KEY = /^[0-9a-f]{64}$/

/** All sets, the one that was used last first. */
export async function listMomentSets(folder: string): Promise<FoundSet[]> {
  const names = await readdir(folder).catch(() => [])
  const sets = await Promise.all(names.filter((name) => KEY.test(name)).map((key) => foundSet(folder, key)))
  return sets.filter((set) => set !== undefined).sort((a, b) => b.usedAtMs - a.usedAtMs)
}

async function foundSet(folder: string, key: string): Promise<FoundSet | undefined> {
  const directory = join(folder, key)
  const facts = await readSetFacts(folder, key)
  const used = await stat(facts === undefined ? directory : join(directory, SET_FILES.facts)).catch(() => undefined)
  const names = await readdir(directory).catch(() => undefined)
  if (used === undefined || names === undefined) return undefined // it vanished meanwhile
  const sizes = await Promise.all(names.map((name) => stat(join(directory, name)).then((found) => found.size, none)))
  return { key, bytes: sizes.reduce((sum, size) => sum + size, 0), usedAtMs: used.mtimeMs, facts }
}

const none = (): number => 0

/** What is known of a set; undefined where there is none. */
export async function readSetFacts(folder: string, key: string): Promise<SetFacts | undefined> {
  try {
    return SetFacts.safeParse(JSON.parse(await readFile(join(folder, key, SET_FILES.facts), 'utf8'))).data
  } catch {
    return undefined
  }
}

/** Makes the set where it is not there yet. */
export async function writeSetFacts(folder: string, key: string, facts: SetFacts): Promise<void> {
  const directory = join(folder, key)
  await makeFolder(directory)
  const path = join(directory, SET_FILES.facts)
  const temporary = temporaryName(path)
  await writeFile(temporary, `${JSON.stringify(facts, null, 2)}\n`)
  await rename(temporary, path)
}

/** Notes that a set is used now. */
export async function touchSet(folder: string, key: string): Promise<void> {
  const now = new Date()
  await utimes(join(folder, key, SET_FILES.facts), now, now).catch(() => {}) // it may have vanished
}

/** Removes a set; whoever reads it finds it gone as a whole. */
export async function removeSet(folder: string, key: string): Promise<void> {
  const gone = temporaryName(join(folder, key))
  await sweepTemporaries(join(folder, key))
  const moved = await rename(join(folder, key), gone).then(
    () => true,
    () => false // somebody else removed it
  )
  if (moved) await rm(gone, { recursive: true, force: true })
}

/** Removes the sets that were not used for the longest time until a set of so many bytes is within the limit. */
export async function makeRoom(folder: string, key: string, bytes: number, limitBytes: number): Promise<void> {
  const others = (await listMomentSets(folder)).filter((set) => set.key !== key)
  let total = bytes + others.reduce((sum, set) => sum + set.bytes, 0)
  for (const set of others.reverse()) {
    if (total <= limitBytes) return
    await removeSet(folder, set.key)
    total -= set.bytes
  }
}

/** Removes everything, also what interrupted processes left. */
export async function clearMomentSets(folder: string): Promise<number> {
  const sets = await listMomentSets(folder)
  for (const { key } of sets) await removeSet(folder, key)
  await rm(folder, { recursive: true, force: true })
  return sets.reduce((sum, { bytes }) => sum + bytes, 0)
}
