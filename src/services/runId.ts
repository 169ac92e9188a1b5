import { randomInt } from 'node:crypto'
import { basename } from 'node:path'
import { baseModelName } from '../shared/modelName'
import type { Recipe } from '../shared/recipe'

const LETTERS = 'abcdefghjkmnpqrstuvwxyz23456789' // without those that look alike

/**
 * A name for a run that sorts by time, is readable, and is safe as a directory name on every system:
 * `20261123-1405-llama-x7f3` (local time, name of the recipe or of the checkpoint, four random characters).
 */
export function newRunId(subject: string, now: Date = new Date(), suffix: string = randomSuffix()): string {
  const two = (n: number): string => String(n).padStart(2, '0')
  const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`
  return `${day}-${two(now.getHours())}${two(now.getMinutes())}-${slug(basename(subject))}-${suffix}`
}

/** What a run is named after: its recipe's name, else the model's, which is not the folder of a snapshot in a cache. */
export const subjectOf = ({ name, model }: Pick<Recipe, 'name' | 'model'>): string => name ?? baseModelName(model)

const slug = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 24)
    .replaceAll(/^-+|-+$/g, '') || 'model'

const randomSuffix = (): string => Array.from({ length: 4 }, () => LETTERS[randomInt(LETTERS.length)]).join('')
