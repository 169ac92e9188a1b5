import { badInput } from '../../shared/errors'
import { count, plural } from '../../shared/plural'

/** Close to which share of the space between rows the next choice begins: the golden section keeps choices apart. */
const GOLDEN = (Math.sqrt(5) - 1) / 2

/**
 * Which of `available` rows are taken: n = min(rows, available), evenly spaced, row i being i · s + d with s = ⌊available / n⌋.
 *
 * `draw` 0, 1, … s − 1 are choices that share no row: d = draw · g mod s, with g the number nearest below 0.618 · s that has
 * no divisor in common with s, so that few choices lie far apart in the text. Draw 0 has d = 0.
 *
 * @param name what the rows come from, for the error
 * @throws {AppError} BAD_INPUT for a draw that there is not
 */
export function spacedRows(available: number, rows: number, draw: number, name: string): number[] {
  const count = Math.min(rows, available)
  const space = Math.floor(available / count)
  if (draw >= space) throw badInput(tooFewRows(name, available, count, draw))
  const first = (draw * strideOf(space)) % space
  return Array.from({ length: count }, (_, i) => i * space + first)
}

function strideOf(space: number): number {
  for (let stride = Math.floor(GOLDEN * space); stride > 1; stride--) if (divisor(stride, space) === 1) return stride
  return 1
}

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b))

function tooFewRows(name: string, available: number, rows: number, draw: number): string {
  const choices = Math.floor(available / rows)
  const ways = choices === 1 ? 'only draw 0 is there' : `draws 0 to ${count(choices - 1)} are there`
  return (
    `${name} gives ${plural(available, 'row')}, ${count(rows)} of them ${rows === 1 ? 'is' : 'are'} taken: ${ways} without a row in common, draw ${draw} is asked for; ` +
    `give a longer text, or take at most ${plural(Math.max(1, Math.floor(available / (draw + 1))), 'row')}`
  )
}
