import type { CalendarDay } from '../../shared/calendarDay'
import type { EnoughRows } from '../../shared/enoughRows'
import { AppError } from '../../shared/errors'
import type { Finding } from '../../shared/findings'
import type { RebuiltFacts } from '../../shared/inspection'
import type { KeptMoments } from '../../shared/keptMoments'
import { quantizerKey } from '../../shared/quantizerWords'
import { type QuantizerSpec, type Recipe, scalingOf, type Variant, variantNames } from '../../shared/recipe'
import type { StoredBase } from '../base/storedBase'
import type { TokenRows } from '../calibration/rows'
import type { TokenizerTables } from '../calibration/tokenizerDefinition'
import type { Checkpoint } from '../formats/checkpoint'
import type { Method } from '../methods/method'
import { methodFor } from '../methods/registry'
import type { ModelArchitecture } from '../models/architecture'
import type { PreparedLinear } from '../models/modelLinears'
import type { ModelParts } from '../models/modelParts'
import type { ModelWeights } from '../models/modelWeights'
import { selectTargets } from '../models/targets'
import type { EvaluationText } from './tokenRequests'

export interface PreparedVariant {
  readonly name: string
  readonly spec: Variant
  readonly method: Method
  /** s = alpha / rank or alpha / √rank. */
  readonly scaling: number
  readonly quantizer: string
  readonly targets: ReadonlySet<string>
  /** Whether held-out rows are asked what of its adapter helps. */
  readonly accepted: boolean
}

/** Everything that a recipe names, opened, read and checked against each other; nothing has been computed yet. */
export interface PreparedRun {
  readonly recipe: Recipe
  readonly checkpoint: Checkpoint
  readonly architecture: ModelArchitecture
  readonly weights: ModelWeights
  /** The pre-quantized checkpoint that holds Q, where the recipe names one. */
  readonly base: StoredBase | undefined
  readonly parts: ModelParts
  readonly linears: readonly PreparedLinear[]
  /** Where the recipe asks how many rows are enough, the most that it could be until that is known. */
  readonly calibration: TokenRows
  /** Other numbers and choices of calibration rows; missing where the recipe says how many. */
  readonly cutCalibration?: ((rows: number, draw: number) => Promise<TokenRows>) | undefined
  /** How many rows were found to be enough; missing where nobody asked. */
  readonly enoughRows?: EnoughRows | undefined
  /** What becomes of second moments beyond the run; missing where nobody looked. */
  readonly keptMoments?: KeptMoments | undefined
  readonly evaluation: readonly EvaluationText[]
  /** Bytes of all texts. */
  readonly textBytes: number
  /** Of these, in files of samples. */
  readonly sampleBytes: number
  /** The most bytes of a text, in one piece or several, that are tokenized at a time. */
  readonly bytesAtATime: number
  /** Of the tokenizer; missing where none was opened. */
  readonly tables?: TokenizerTables | undefined
  /** The day that the chat template wrote as today; missing where it writes none. */
  readonly renderedAsOf?: CalendarDay | undefined
  /** Where AutoTokenizer of transformers 5 cuts texts otherwise. */
  readonly rebuilt?: RebuiltFacts | undefined
  /** The token that the tokenizer puts at the beginning of texts, where no row of some text has it. */
  readonly missingBegin?: string | undefined
  readonly variants: readonly PreparedVariant[]
  /** By key, in the order of the recipe. */
  readonly quantizers: ReadonlyMap<string, QuantizerSpec>
  /** What a trainer could load otherwise. */
  readonly checkpointFindings: readonly Finding[]
  release(): Promise<void>
}

type Variants = Pick<PreparedRun, 'variants'>

/** Whether a variant of the run asks what errors at the outputs of linears count: its method, or its rank budget. */
export const asksForCurvature = (prepared: Variants): boolean =>
  hasRankBudget(prepared) || prepared.variants.some(({ method }) => method.curvature === true)

/** Whether some variant gives its linears ranks of their own. */
export const hasRankBudget = ({ variants }: Variants): boolean =>
  variants.some(({ spec }) => spec.rankBudget !== undefined)

/** Whether held-out rows decide on ranks or adapters, beside refinements. */
export const asksHeldOutRows = ({ variants }: Variants): boolean =>
  variants.some(({ spec, accepted }) => accepted || spec.rankBudget !== undefined)

/** Whether a variant's adapter is known only once every layer was seen: then the evaluation rows wait for it. */
export const isDecidedLate = ({ spec, accepted }: Pick<PreparedVariant, 'spec' | 'accepted'>): boolean =>
  accepted || spec.refine !== undefined || spec.rankBudget !== undefined

/** What the quantizer of a key of the run is. */
export function specOf({ quantizers }: Pick<PreparedRun, 'quantizers'>, key: string): QuantizerSpec {
  const spec = quantizers.get(key)
  if (spec === undefined) throw new AppError('INTERNAL', `no quantizer ${key}`)
  return spec
}

/** The variants with their method, scaling and targets; a target that matches nothing adds none. */
export function prepareVariants(
  { variants, neverWorse }: Pick<Recipe, 'variants' | 'neverWorse'>,
  linears: readonly PreparedLinear[]
): PreparedVariant[] {
  const names = variantNames(variants)
  const paths = linears.filter(({ adaptable }) => adaptable).map(({ path }) => path)
  return variants.map((spec, i) => {
    const method = methodFor(spec.method)
    return {
      name: names[i] as string,
      spec,
      method,
      scaling: scalingOf(spec),
      quantizer: quantizerKey(spec.quantizer),
      targets: selectTargets(spec.targets, paths, () => {}),
      // A refinement asks the same rows itself; what corrects nothing is no worse.
      accepted: neverWorse === true && method.neutral !== true && spec.refine === undefined
    }
  })
}
