import type { EnoughRows } from '../../shared/enoughRows'
import { FIRST_ROWS, fallOf } from '../../shared/enoughRows'
import { AppError } from '../../shared/errors'
import { FirstBlock, type RowsTools } from './firstBlock'

/**
 * How many calibration rows of each text are enough. For n = 32, 64, 128 … the best corrections of the first block's linears
 * by every second of n rows, and those by all of them, are judged on n rows that neither saw. It ends with the n for which
 * what they leave of the error fell by less than the tolerance.
 *
 * @throws {AppError} NUMERICS as the run would; CANCELLED
 */
export async function findEnoughRows(tools: RowsTools): Promise<EnoughRows> {
  const { calibration, recipe, cutCalibration } = tools.prepared
  const { rows: most, enough: tolerance, draw = 0 } = recipe.calibration
  if (tolerance === undefined || cutCalibration === undefined)
    throw new AppError('INTERNAL', 'the recipe does not ask how many rows are enough')
  const other = draw === 0 ? 1 : 0 // a choice of rows that shares none with the recipe's
  const shortest = Math.min(...calibration.available)
  const there = draw === 0 ? Math.max(...calibration.available) : Math.floor(shortest / (draw + 1))
  const longest = Math.max(1, there) // of too few rows for the draw, cutting them tells
  const levels: EnoughRows['levels'] = []
  const result = (rows: number, why: EnoughRows['why']): EnoughRows => ({ rows, most, tolerance, why, levels })
  const block = await FirstBlock.open(tools)
  try {
    for (let rows = FIRST_ROWS; rows <= most; rows *= 2) {
      if (shortest < rows * (Math.max(draw, other) + 1)) return result(Math.min(most, longest), 'text')
      const shares = await block.judge(await cutCalibration(rows, draw), await cutCalibration(rows, other))
      const level = { rows, ...shares }
      levels.push(level)
      if (fallOf(level) < tolerance) return result(rows, 'settled')
    }
    return result(Math.min(most, longest), longest < most ? 'text' : 'most')
  } finally {
    await block.release()
  }
}
