import { rankBounds } from '../../shared/rankBudget'
import { curvatureRows } from '../methods/outputCurvature'
import { triangleShare } from '../models/gramTiles'
import type { PreparedRun, PreparedVariant } from '../prepare/preparedRun'

const budgetsIn = ({ variants }: PreparedRun): PreparedVariant[] =>
  variants.filter(({ spec }) => spec.rankBudget !== undefined)

/** Columns that the rough search multiplies, for each rank up to the cap. */
const SEARCHED = 3

/** Multiplications and additions of measuring what ranks are worth: H of the rows of the curvature, and the spectra. */
export function rankGainFlops(prepared: PreparedRun): number {
  const { linears, calibration, parts, architecture, recipe } = prepared
  const budgets = budgetsIn(prepared)
  if (budgets.length === 0) return 0
  const tokens = curvatureRows(calibration) * recipe.context
  const inputs = Array.from({ length: architecture.blocks }, (_, block) => [...parts.inputs(block)]).flat()
  const moments = inputs.reduce((sum, n) => sum + 2 * triangleShare(n) * n * n * tokens, 0)
  const cap = Math.max(...budgets.map(({ spec }) => rankBounds(spec.rank, spec.rankBudget ?? {}).cap))
  const bases = new Set(budgets.map(({ quantizer }) => quantizer)).size
  return linears.reduce((sum, { inFeatures: n, outFeatures: m }) => {
    const columns = Math.min(m, n, SEARCHED * cap)
    return sum + 2 * m * n * tokens + bases * columns * (4 * m * n + 2 * n * n)
  }, moments)
}

/** What measuring what ranks are worth takes beside the curvature, bytes: H of a block, an error with its transpose. */
export function rankGainBytes(prepared: PreparedRun): number {
  if (budgetsIn(prepared).length === 0) return 0
  const { parts, architecture, linears } = prepared
  const moments = Array.from({ length: architecture.blocks }, (_, block) =>
    parts.inputs(block).reduce((sum, n) => sum + 16 * n * n, 0)
  )
  const largest = Math.max(...linears.map(({ inFeatures, outFeatures }) => inFeatures * outFeatures))
  return Math.max(...moments) + 20 * largest
}
