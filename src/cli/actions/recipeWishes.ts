import { ENOUGH_TOLERANCE, MOST_ROWS } from '../../shared/enoughRows'
import { badInput } from '../../shared/errors'
import type { RankBudget } from '../../shared/rankBudget'
import type { RowsWish } from '../../shared/recipe'
import { integer } from '../grammar/options'

/* Values of options that say more than one number. */

/** How many rows: so many, or as many as are enough and at most so many. */
export const rowsWish = (value: string, option: string): RowsWish => {
  const [auto, most, ...others] = value.split(':')
  const isAuto = auto === 'auto' && others.length === 0
  if (/[a-z]/i.test(value) && !(isAuto && /^\d+$/.test(most ?? '0')))
    throw badInput(`${option} is "${value}"; a whole number, auto or auto:MOST is needed`)
  if (!isAuto) {
    return { rows: integer(1)(value, option) }
  }
  return { rows: most === undefined ? MOST_ROWS : integer(1)(most, option), enough: ENOUGH_TOLERANCE }
}

/** A rank that is the mean, and how far from it the ranks of linears may lie. */
export interface BudgetWish {
  readonly mean: number
  readonly bounds: RankBudget
}

export const rankBudget = (value: string, option: string): BudgetWish => {
  const given = new Map<string, number>()
  for (const part of value.split(',')) {
    const [name = '', number = '', ...others] = part.split('=')
    if (!['mean', 'floor', 'cap'].includes(name) || given.has(name) || others.length > 0)
      throw badInput(
        `${option} is "${value}"; mean=R is needed, with floor=R and cap=R where wanted: mean=16,floor=4,cap=64`
      )
    given.set(name, integer(1)(number, `${option} ${name}`))
  }
  const [mean, floor, cap] = ['mean', 'floor', 'cap'].map((name) => given.get(name))
  if (mean === undefined)
    throw badInput(
      `${option} is "${value}"; mean=R is missing: the rank that would take the same parameters everywhere`
    )
  return { mean, bounds: { ...(floor !== undefined && { floor }), ...(cap !== undefined && { cap }) } }
}
