import { z } from 'zod'
import { count } from './plural'

/*
 * How many calibration rows are enough: rows are doubled until the corrections that they lead to no longer leave less error
 * on other rows. The rule is in docs/numerics.md.
 */

/** The first number of rows that is looked at, of each text; it is compared with half of them. */
export const FIRST_ROWS = 32

/** The most rows of each text that `auto` takes unless it is told otherwise. */
export const MOST_ROWS = 512

/** Doubling the rows has to make what is left of the error smaller by this share at least. */
export const ENOUGH_TOLERANCE = 0.01

export const EnoughRows = z.strictObject({
  rows: z.int().describe('taken from each text'),
  most: z.int().describe('that could have been taken from each'),
  tolerance: z.number(),
  why: z
    .enum(['settled', 'text', 'most'])
    .describe('settled: they are enough; text: it has no more rows to tell by; most: as many as are allowed'),
  levels: z.array(
    z.strictObject({
      rows: z.int().describe('of each text'),
      half: z.number().describe('share of the error that the corrections of every second row leave on other rows'),
      left: z.number().describe('the same of all of the rows')
    })
  )
})
export type EnoughRows = z.infer<typeof EnoughRows>
type Level = EnoughRows['levels'][number]

/** By which share of itself the error that is left fell when the rows were doubled. */
export const fallOf = ({ half, left }: Pick<Level, 'half' | 'left'>): number => (half > 0 ? 1 - left / half : 0)

/** `64 calibration rows of each text are enough: from 32 to 64, the error left on other rows fell by 0.6 %, less than 1 %`. */
export function enoughRowsSentence({ rows, most, tolerance, why, levels }: EnoughRows): string {
  const last = levels.at(-1)
  const fell =
    last &&
    `from ${count(last.rows / 2)} to ${count(last.rows)} rows, the error left on other rows fell by ${percent(fallOf(last))}`
  if (why === 'settled')
    return `${count(rows)} calibration rows of each text are enough: ${fell}, less than ${percent(tolerance)}`
  const told =
    fell === undefined
      ? 'it has too few to tell whether they are enough'
      : `${fell}; ${percent(tolerance)} was asked for`
  return why === 'text'
    ? `all ${count(rows)} calibration rows that the text has: ${told}`
    : `${count(rows)} calibration rows of each text, as many as are allowed (${count(most)}): ${told}`
}

const percent = (share: number): string => `${(100 * share).toFixed(1).replace(/\.0$/, '')} %`
