import { AppError } from '../../shared/errors'
import type { FactorDtype, QuantizerSpec, Variant } from '../../shared/recipe'
import type { LayerResult } from '../../shared/runEvents'
import type { LinearFingerprint } from '../../shared/runFolder'
import type { BaseWeight } from '../base/baseWeight'
import { linearError, type WeightOfLinear } from '../base/linearError'
import type { LinearAlgebra } from '../graph/linearAlgebra'
import { type DeviceTensor, giveBack } from '../graph/session'
import { type LoraFactors, roundFactors } from '../methods/factors'
import { layerError } from '../methods/layerError'
import { LayerProblem } from '../methods/layerProblem'
import { type Eigenpairs, OutputCurvature } from '../methods/outputCurvature'
import { methodFor } from '../methods/registry'
import type { SecondMoment } from '../methods/secondMoment'
import { solveMethod } from '../methods/solveMethod'
import type { PreparedLinear } from '../models/modelLinears'
import { firstNonFinite } from '../numerics/matrix'
import { errorHistogram, inputChannels } from './layerDetails'

/** A linear of the block at hand, with all that is known of it whatever its quantizer. */
export interface LinearTask extends WeightOfLinear {
  readonly linear: PreparedLinear
  /** [out, in]; empty while a thread has it. */
  weight: Float32Array
  /** Of its input: shared by the linears that read it. */
  readonly moment: SecondMoment
  /** What errors at its outputs count; undefined where no method asks. */
  readonly curvature: Eigenpairs | undefined
  /** tr(W H Wᵀ). */
  readonly outputEnergy: number
  /** ‖W‖². */
  readonly weightNorm: number
}

/** A variant as far as one linear is concerned. */
export interface VariantTask {
  readonly name: string
  readonly spec: Variant
  /** s = alpha / rank or alpha / √rank. */
  readonly scaling: number
  /** True for one rank everywhere, of a variant whose linears may have ranks of their own. */
  readonly uniform?: boolean
}

/** What is to be done with a linear under one quantizer. */
export interface SolveOptions {
  readonly spec: QuantizerSpec
  /** What a pre-quantized checkpoint has of it, where there is one: then it is not quantized. */
  readonly base: BaseWeight | undefined
  readonly variants: readonly VariantTask[]
  readonly seed: number
  readonly factorDtype: FactorDtype
}

export interface SolvedVariant {
  /** Its name. */
  readonly variant: string
  readonly uniform: boolean
  /** As stored: values are those that a file of the recipe's dtype holds. */
  readonly factors: LoraFactors
  readonly result: LayerResult
}

export interface SolvedLinear {
  /** [out, in]; on a device it is the caller's to give back. */
  readonly Q: Float32Array | DeviceTensor
  readonly fingerprint: LinearFingerprint
  readonly solved: readonly SolvedVariant[]
}

/** Quantizes one linear with one quantizer and solves every variant that sits on it. */
export async function solveLinear(
  algebra: LinearAlgebra,
  task: LinearTask,
  { spec, base, variants, seed, factorDtype }: SolveOptions
): Promise<SolvedLinear> {
  const { linear, moment } = task
  const curvature = task.curvature && OutputCurvature.of(task.curvature)
  const { Q, E, fingerprint } = await linearError(algebra, task, spec, base)
  try {
    const maxRank = Math.max(1, ...variants.map(({ spec: { rank } }) => rank))
    const problem = new LayerProblem(algebra, linear.path, E, moment, { maxRank, seed, curvature })
    const solved: SolvedVariant[] = []
    for (const variant of variants) solved.push(await solveVariant(problem, task, variant, factorDtype))
    return { Q, fingerprint, solved }
  } catch (error) {
    giveBack([Q])
    throw error
  }
}

async function solveVariant(
  problem: LayerProblem,
  { linear, moment, outputEnergy, weightNorm }: LinearTask,
  { name, spec, scaling, uniform = false }: VariantTask,
  dtype: FactorDtype
): Promise<SolvedVariant> {
  const computed = await solveMethod(problem, methodFor(spec.method), { ...spec, scaling })
  const factors = roundFactors(computed, dtype)
  assertStorable(factors, { name, spec }, dtype, linear.path)
  const stored = await layerError(problem, factors, scaling)
  const inBfloat16 =
    dtype === 'bfloat16' ? stored : await layerError(problem, roundFactors(factors, 'bfloat16'), scaling)
  const lossRank0 = await problem.lossRank0()
  return {
    variant: name,
    uniform,
    factors,
    result: {
      name: linear.path,
      shape: [linear.outFeatures, linear.inFeatures],
      ...(spec.rankBudget && { rank: spec.rank }),
      lossRank0,
      loss: stored.loss,
      lossBfloat16: inBfloat16.loss,
      certificate: certificate(lossRank0 - stored.loss, await problem.exactGain(spec.rank)),
      frobeniusRank0: problem.frobeniusRank0,
      frobenius: stored.frobenius,
      weightNorm,
      outputEnergy,
      eigenvalues: Array.from((await problem.eigen('full')).values),
      errors: await errorHistogram(problem, factors, scaling),
      channels: inputChannels(moment)
    }
  }
}

/** Share of the possible gain that was reached; 1 where nothing can be gained. */
const certificate = (gain: number, exactGain: number): number => (exactGain > 0 ? gain / exactGain : 1)

/**
 * Factors grow as lora_alpha shrinks, and the reverse: beyond some size a file of the dtype holds infinities, or nothing
 * of them. A loraA of zeros alone is none of the method's: ranks without a correction start at random.
 */
function assertStorable(
  { loraA, loraB }: LoraFactors,
  { name, spec }: Pick<VariantTask, 'name' | 'spec'>,
  dtype: FactorDtype,
  path: string
) {
  const infinite = [loraA, loraB].some(({ data }) => firstNonFinite(data) >= 0)
  if (!infinite && loraA.data.some((value) => value !== 0)) return
  throw new AppError(
    'NUMERICS',
    `${name}: with lora_alpha ${spec.alpha}, the factors of ${path} are too ${infinite ? 'large' : 'small'} for ${dtype}; ` +
      `a lora_alpha near the rank, ${spec.rank}, keeps them near the size of the weights`
  )
}
