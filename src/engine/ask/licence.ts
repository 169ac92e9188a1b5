import { join } from 'node:path'
import { readTextFileIfThere } from '../formats/files'
import { MAX_README_BYTES } from '../formats/limits'

/**
 * The licence that a checkpoint names: `license` in the front matter of README.md, as model cards have it, else in
 * config.json. Whatever cannot be read names none.
 */
export async function licenceOf(
  directory: string,
  config: Readonly<Record<string, unknown>> = {}
): Promise<string | undefined> {
  const readme = await readTextFileIfThere(join(directory, 'README.md'), MAX_README_BYTES).catch(() => undefined)
  const named = readme === undefined ? undefined : fromFrontMatter(readme)
  if (named !== undefined) return named
  return typeof config.license === 'string' ? config.license : undefined
}

/** `license: apache-2.0`, or for `license: other` the name beside it, between the lines `---` at the beginning. */
function fromFrontMatter(text: string): string | undefined {
  const matter = /^---\r?\n(.*?)\r?\n---/s.exec(text)?.[1]
  if (matter === undefined) return undefined
  const value = (key: string): string | undefined => {
    const line = new RegExp(`^${key}:[ \\t]*(.+)$`, 'm').exec(matter)?.[1]
    return line?.trim().replace(/^(["'])(.*)\1$/, '$2')
  }
  const licence = value('license')
  return licence === 'other' ? (value('license_name') ?? licence) : licence
}
