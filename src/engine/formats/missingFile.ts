import { lstat, readlink } from 'node:fs/promises'
import { type AppError, badInput } from '../../shared/errors'

/**
 * The error for a path at which the system finds nothing. Where a link is there all the same, it is named with what it leads
 * to: `ls` shows the file, and of a model in the Hugging Face cache that was copied or downloaded in part each file is a link.
 *
 * @param what - of what the path is, for a sentence: `the model directory `
 * @param needed - what is accepted, with what parts it from the sentence
 */
export async function missingFile(path: string, { what = '', needed = '' } = {}): Promise<AppError> {
  const target = await danglingTarget(path)
  if (target === undefined) return badInput(`${what}${path} does not exist${needed}`)
  return badInput(
    `${what}${path} is a link to ${target}, which does not exist: the copy or download is not complete${needed}`
  )
}

/** Where a link leads that leads to nothing; undefined for no link, or none to nothing. Only of a path that was not found. */
export async function danglingTarget(path: string): Promise<string | undefined> {
  const found = await lstat(path).catch(() => undefined)
  return found?.isSymbolicLink() === true ? await readlink(path).catch(() => undefined) : undefined
}
