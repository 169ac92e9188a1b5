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
import { budgetsByKey } from '../prepare/rankBudgets'

/** What each further rank of a linear is worth: by key of `gainsKey`, then by path. */
export type RankGains = Map<string, Map<string, Float64Array>>

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
  const gains: RankGains = new Map([...budgetsByKey(prepared).keys()].map((key) => [key, new Map()]))
  const momentOf = (linear: PreparedLinear) => known.moments[linear.input] as SecondMoment
  const measure = async ({ key, linear, variant, cap }: Asked): Promise<readonly [string, string, Float64Array]> => {
    await stopHere(signal)
    const weight = known.weights.linears.get(linear.name) as Float32Array
    const own = { linear, weight, lies: liesIn(known.carried, linear) }
    const base = await prepared.base?.read(linear)
    const curvature = known.curvature.get(linear.path)
    const options = { maxRank: cap, seed: prepared.recipe.seed, curvature }
    const { Q, E } = await linearError(algebra, own, specOf(prepared, variant.quantizer), base)
    giveBack([Q])
    const problem = new LayerProblem(algebra, linear.path, E, momentOf(linear), options)
    return [key, linear.path, await gainsOf(problem, variant, known.sensitivity.get(linear.path) ?? 0, cap)]
  }
  const pieces = asked(prepared, block)
  for await (const [key, path, gained] of sharingMoments(algebra, pieces, ({ linear }) => momentOf(linear), measure)) {
    gains.get(key)?.set(path, gained)
  }
  return gains
}

/** A linear of the block for the variants of one key, of which one is named, and the highest rank that any may give it. */
interface Asked {
  readonly key: string
  readonly linear: PreparedLinear
  readonly variant: PreparedVariant
  readonly cap: number
}

function asked(prepared: PreparedRun, block: number): Asked[] {
  return [...budgetsByKey(prepared)].flatMap(([key, variants]) => {
    const cap = Math.max(...variants.map(({ spec }) => rankBounds(spec.rank, spec.rankBudget ?? {}).cap))
    const [variant] = variants as [PreparedVariant]
    return prepared.linears
      .filter((linear) => linear.block === block && variants.some(({ targets }) => targets.has(linear.path)))
      .map((linear) => ({ key, linear, variant, cap }))
  })
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
