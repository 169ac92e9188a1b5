import type { FactorDtype } from '../../shared/recipe'
import { stateSize } from '../models/architecture'
import { isDecidedLate, type PreparedRun, type PreparedVariant } from '../prepare/preparedRun'
import { hiddenBytes, type StreamShape, streamShapes } from '../prepare/streamShapes'
import { curvatureNeeds } from './curvatureNeeds'
import { refinementNeeds } from './refinementNeeds'

const DTYPE_BYTES: Readonly<Record<FactorDtype, number>> = { float32: 4, bfloat16: 2, float16: 2 }

/** Parameters of one variant's factors. */
export const adapterParameters = ({ linears }: PreparedRun, { targets, spec }: PreparedVariant): number =>
  linears
    .filter(({ path }) => targets.has(path))
    .reduce((sum, { inFeatures, outFeatures }) => sum + spec.rank * (inFeatures + outFeatures), 0)

const factorBytes = (prepared: PreparedRun, variant: PreparedVariant): number =>
  adapterParameters(prepared, variant) * DTYPE_BYTES[prepared.recipe.factorDtype]

/** Of all adapters that are written at the end. */
export const adapterBytes = (prepared: PreparedRun): number =>
  prepared.variants.reduce((sum, variant) => sum + factorBytes(prepared, variant), 0)

/** Bytes of disk that a run needs below its folder and for its adapters. */
export const neededDisk = (prepared: PreparedRun): number => spoolBytes(prepared) + adapterBytes(prepared)

/**
 * The most that lies below the folder of a run at a time: the factors of all variants, what was measured of the outputs'
 * curvature, and the largest of what its passes need beside them.
 */
export function spoolBytes(prepared: PreparedRun): number {
  const { recipe, variants } = prepared
  const { stateBytes, fileBytes } = curvatureNeeds(prepared)
  const { solved, late, unmoved } = hiddenOf(prepared)
  // With a rank budget, those of either choice.
  const factors = variants.reduce(
    (sum, one) => sum + factorBytes(prepared, one) * (one.spec.rankBudget === undefined ? 1 : 2),
    0
  )
  const changed = variants.filter(({ spec, accepted }) => accepted || spec.refine !== undefined)
  const kept = changed.map((variant) => factorBytes(prepared, variant))
  // One takes the place of the other.
  const again = kept.reduce((sum, bytes) => sum + bytes, 0) + Math.max(0, ...kept)
  const left = Math.max(0, recipe.memoryBudget - solved - late)
  const passes = [
    stateBytes <= recipe.memoryBudget ? 0 : stateBytes,
    2 * solved - unmoved,
    solved + refinementNeeds(prepared, left).disk + again,
    solved + 2 * late + again
  ]
  return factors + fileBytes + Math.max(...passes)
}

/** Hidden states in files: of streams that go through the blocks as these are solved, twice at a time, and of later ones. */
function hiddenOf(prepared: PreparedRun) {
  const lateNames = new Set(prepared.variants.filter(isDecidedLate).map(({ name }) => `evaluation.variant.${name}`))
  const bytes = ({ rows }: Pick<StreamShape, 'rows'>): number =>
    hiddenBytes({ rows, context: prepared.recipe.context, width: stateSize(prepared.architecture) })
  const shapes = streamShapes(prepared)
  const sum = (streams: readonly StreamShape[]): number => streams.reduce((total, one) => total + bytes(one), 0)
  const late = sum(shapes.filter(({ stream }) => lateNames.has(stream)))
  const skips = prepared.keptMoments?.state === 'used' && lateNames.size === 0
  return { solved: sum(shapes) - late, late, unmoved: skips ? bytes(prepared.calibration) : 0 }
}
