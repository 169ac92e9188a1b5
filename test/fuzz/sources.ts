import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** A sound file among the fixtures, from which mutated ones are made. */
export const fixture = (...parts: string[]): Buffer => readFileSync(join(fixtures, ...parts))

export const fixtures = resolve(import.meta.dirname, '../fixtures')
