import { rankBounds } from '../../shared/rankBudget'
import { liesIn, linearError } from '../base/linearError'
import type { LinearAlgebra } from '../graph/linearAlgebra'
import { giveBack } from '../graph/session'
import { stopHere } from '../graph/stopHere'
import { LayerProblem } from '../methods/layerProblem'
import type { OutputCurvature } from '../methods/outputCurvature'
import type { SecondMoment } from '../methods/secondMoment'
import { sharingMoments } from '../methods/sharedMoments'
import type { BlockWeights, ReadBlockWeights } from '../models/blockWeights'
import type { PreparedLinear } from '../models/modelLinears'
import { type PreparedRun, type PreparedVariant, specOf } from '../prepare/preparedRun'

/** What each further rank of a linear is worth: by key of `gainsKey`, then by path. */
export type RankGains = Map<string, Map<string, Float64Array>>

/** Variants of one key find the same corrections worth the same: they share quantizer and measure. */
export const gainsKey = ({ quantizer, method }: PreparedVariant): string =>
  `${quantizer} ${method.curvature === true ? 'weighed' : 'plain'}`

/** What is known of a block once the gradients at its outputs are. */
export interface KnownBlock {
  readonly weights: ReadBlockWeights
  /** Where batches take them. */
  readonly carried: BlockWeights
  /** H of each distinct input, in their order. */
  readonly moments: readonly SecondMoment[]
  readonly curvature: ReadonlyMap<string, OutputCurvature>
  /** Mean eigenvalue of G, by path: 0 where nothing depends on the outputs. */
  readonly sensitivity: ReadonlyMap<string, number>
}

/**
 * What each further rank is worth at the linears of a block, for the variants with a rank budget: how much less the model
 * diverges for it, up to a factor that is the same everywhere.
 *
 *     gain_i = λᵢ(E H Eᵀ) · tr(G) / out,   or  λᵢ(G^½ E H Eᵀ G^½)  where the method weighs outputs
 */
export async function measureGains(
  prepared: PreparedRun,
  algebra: LinearAlgebra,
  block: number,
  known: KnownBlock,
  signal: AbortSignal
): Promise<RankGains> {
  const gains: RankGains = new Map()
  for (const [key, variants] of budgetsByKey(prepared)) {
    const found = new Map<string, Float64Array>()
    gains.set(key, found)
    const cap = Math.max(...variants.map(({ spec }) => rankBounds(spec.rank, spec.rankBudget ?? {}).cap))
    const [first] = variants as [PreparedVariant]
    const linears = prepared.linears.filter(
      (linear) => linear.block === block && variants.some(({ targets }) => targets.has(linear.path))
    )
    const momentOf = (linear: PreparedLinear) => known.moments[linear.input] as SecondMoment
    const measure = async (linear: PreparedLinear): Promise<[string, Float64Array]> => {
      await stopHere(signal)
      const weight = known.weights.linears.get(linear.name) as Float32Array
      const own = { linear, weight, lies: liesIn(known.carried, linear) }
      const base = await prepared.base?.read(linear)
      const curvature = known.curvature.get(linear.path)
      const options = { maxRank: cap, seed: prepared.recipe.seed, curvature }
      const { Q, E } = await linearError(algebra, own, specOf(prepared, first.quantizer), base)
      giveBack([Q])
      const problem = new LayerProblem(algebra, linear.path, E, momentOf(linear), options)
      return [linear.path, await gainsOf(problem, first, known.sensitivity.get(linear.path) ?? 0, cap)]
    }
    for await (const [path, gained] of sharingMoments(algebra, linears, momentOf, measure)) found.set(path, gained)
  }
  return gains
}

async function gainsOf(
  problem: LayerProblem,
  { method }: PreparedVariant,
  sensitivity: number,
  cap: number
): Promise<Float64Array> {
  const weighed = method.curvature === true
  const values = await (weighed ? await problem.weighed() : problem).roughEigenvalues('full')
  const factor = weighed ? Math.sign(sensitivity) : sensitivity
  return values.slice(0, cap).map((value) => factor * Math.max(0, value))
}

function budgetsByKey({ variants }: PreparedRun): Map<string, PreparedVariant[]> {
  const byKey = new Map<string, PreparedVariant[]>()
  for (const variant of variants) {
    if (variant.spec.rankBudget === undefined) continue
    byKey.set(gainsKey(variant), [...(byKey.get(gainsKey(variant)) ?? []), variant])
  }
  return byKey
}
