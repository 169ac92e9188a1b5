import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sampleText } from './paths'

/** Of a text of a megabyte, which takes longer to tokenize than a run of a few rows takes for all else. */
const CHARACTERS = 60_000

/** The beginning of one of the sample texts, as a file of its name in a folder of its own. */
export function textBeginning(name: Parameters<typeof sampleText>[0]): string {
  const path = join(mkdtempSync(join(tmpdir(), 'quail-text-')), name)
  writeFileSync(path, readFileSync(sampleText(name), 'utf8').slice(0, CHARACTERS))
  return path
}
