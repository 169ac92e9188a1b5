import { CURVATURE_RANK, curvatureRows } from '../methods/outputCurvature'
import { stateSize } from '../models/architecture'
import { batchRows } from '../models/batchRows'
import { triangleShare } from '../models/gramTiles'
import { headBytes } from '../models/headRunner'
import { asksForCurvature, type PreparedRun } from '../prepare/preparedRun'
import { blockFlops } from './blockWork'
import { expertGradientBytes } from './expertWork'
import { rankGainBytes, rankGainFlops } from './rankNeeds'
import { backwardBytes } from './refinementWork'

/** What the curvature of the outputs takes, where a method of the run asks for it. */
export interface CurvatureNeeds {
  readonly flops: number
  /** Beside what lies in the budget, bytes. */
  readonly workBytes: number
  /** States before each block, bytes: in memory where the budget allows, else on the disk. */
  readonly stateBytes: number
  /** What is kept of the curvature until the run ends, bytes of disk. */
  readonly fileBytes: number
}

const NOTHING: CurvatureNeeds = { flops: 0, workBytes: 0, stateBytes: 0, fileBytes: 0 }
/** Products of a block: forward, computed again, and for the gradient of its input. */
const SWEEPS = 3
/** Columns that the search for the eigenpairs of G multiplies, for each that is kept. */
const SEARCHED = 4

/** Tokens of the rows that the curvature is measured on. */
export const curvatureTokens = (prepared: PreparedRun): number =>
  asksForCurvature(prepared) ? curvatureRows(prepared.calibration) * prepared.recipe.context : 0

export function curvatureNeeds(prepared: PreparedRun): CurvatureNeeds {
  if (!asksForCurvature(prepared)) return NOTHING
  const { architecture, linears } = prepared
  const tokens = curvatureTokens(prepared)
  const sum = (of: (linear: (typeof linears)[number]) => number): number =>
    linears.reduce((total, linear) => total + of(linear), 0)
  const head = 4 * architecture.vocabularySize * architecture.hiddenSize
  // With experts, once more for what they are given.
  const sweeps = architecture.experts === undefined ? SWEEPS : SWEEPS + 1
  const grams = sum(({ outFeatures: m }) => 2 * triangleShare(m) * m * m * tokens)
  const search = sum(({ outFeatures: m }) => 2 * SEARCHED * CURVATURE_RANK * m * m)
  return {
    flops: tokens * (sweeps * blockFlops(prepared) + head) + grams + search + rankGainFlops(prepared),
    workBytes: workBytes(prepared, tokens) + rankGainBytes(prepared),
    stateBytes: 4 * architecture.blocks * tokens * stateSize(architecture),
    fileBytes: sum(({ outFeatures: m }) => 4 * Math.min(CURVATURE_RANK, m) * (m + 1))
  }
}

/** Gradients of all rows, and the larger of the gradient of a block, with its sums G and those of a batch, and a tile of the head. */
function workBytes(prepared: PreparedRun, tokens: number): number {
  const { architecture, recipe } = prepared
  const together = Math.min(tokens, batchRows(recipe.context) * recipe.context)
  const gradients = 4 * tokens * (2 * stateSize(architecture) + architecture.embeddingSize)
  const block = backwardBytes(prepared, together, ({ outFeatures: m }) => 10 * m * m)
  return gradients + Math.max(block + expertGradientBytes(prepared), headBytes(architecture, together))
}
