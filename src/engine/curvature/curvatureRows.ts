import type { TokenRows } from '../calibration/rows'
import { curvatureRows } from '../methods/outputCurvature'
import { RefinedRows, type RowBatch } from '../refine/refinedRows'

/** The rows that the gradients are taken of, in batches, evenly spaced among those that a refinement would learn from. */
export function curvatureBatches(calibration: TokenRows, seed: number, largest: number): RowBatch[] {
  const rows = new RefinedRows(calibration, seed)
  const { training } = rows
  const count = Math.min(curvatureRows(calibration), training.length)
  const chosen = Array.from(
    { length: count },
    (_, i) => training[Math.floor(((i + 0.5) * training.length) / count)] as number
  )
  return rows.cut(chosen, largest)
}
