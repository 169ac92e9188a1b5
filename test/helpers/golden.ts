import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { goldenDirectory } from './paths'

/** One case of a kind: a file or a folder of the golden directory. */
interface Listing {
  readonly directory: string
  readonly names: string[]
}

/**
 * The cases of a kind of golden files.
 *
 * @param choose - the name of a case for an entry of the folder; undefined for what is none
 * @throws where there is no case: a test without an expectation must not pass
 */
export function goldenCases(kind: string, choose: (entry: string) => string | undefined): Listing {
  const directory = join(goldenDirectory(), kind)
  const names = readdirSync(directory).flatMap((entry) => choose(entry) ?? [])
  if (names.length === 0) throw new Error(`${directory} holds no case`)
  return { directory, names }
}
