import type { Value } from '../graph/graphBuilder'
import type { ActivationName } from './activations'
import type { ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { checkGroups, type ExpertGroups } from './expertGroups'
import { checkRouting, gatedExperts } from './experts'
import type { LayerBuilder } from './layerBuilder'
import { gatedMlp } from './mlp'
import { addRoutedExperts, expertsNote, sharedExpert } from './routedExperts'

/** Experts as DeepSeek has them, with an MLP for every token beside them where some are shared. */
interface DeepseekExperts {
  readonly hidden_size: number
  readonly hidden_act: ActivationName
  /** Of the MLPs of layers without experts. */
  readonly intermediate_size: number
  /** Of an expert. */
  readonly wide: number
  readonly count: number
  readonly perToken: number
  /** Experts that every token has, in one MLP. */
  readonly shared: number
  /** `sigmoid` when left out, with a bias that is added where experts are chosen. */
  readonly scores?: 'softmax' | 'sigmoid'
  /** Whether the weights of the chosen experts add up to 1, and their factor. */
  readonly normed: boolean
  readonly scale: number
  /** Experts are chosen among all when left out. */
  readonly groups?: ExpertGroups | undefined
  /** Which layers have experts; the others have an MLP. */
  readonly sparse: readonly boolean[]
  /** Name of the bias in files; a part of the router when left out. */
  readonly bias?: string
  /** Whether transformers rounds it to the dtype, as any other, and does not keep it in float32. */
  readonly roundedBias?: boolean
  readonly mlpBias?: boolean
  /** Names of gate, up and down in files that hold each expert by itself; null where transformers reads none. */
  readonly alone?: readonly [gate: string, up: string, down: string] | null
  /** Whether transformers 4 has the type. */
  readonly quantizedIn4: boolean
}

/** Names in files that hold each expert by itself. */
const ALONE = ['gate_proj', 'up_proj', 'down_proj'] as const

/** Added to the sum that routing weights are divided by. */
const EPSILON = 1e-20

/**
 * What follows the second norm of each layer, and what the architecture says of it:
 *
 *     Σₑ wₑ · downₑ(act(gateₑ(n)) · upₑ(n)) + shared(n),   w = a · the top k of softmax(router(n))
 *     or w = a · the top k of sigmoid(router(n)) + b, without b, normed or not
 *
 * Source: transformers modeling_deepseek_v2, modeling_deepseek_v3, and others that have their experts.
 */
export function deepseekExperts(options: DeepseekExperts): {
  readonly feedForward: (layer: LayerBuilder, n: Value, index: number) => Value | undefined
  readonly note: Pick<ModelArchitecture, 'experts'>
} {
  const { count, perToken, wide, scores = 'sigmoid', normed, scale, sparse, mlpBias = false, quantizedIn4 } = options
  const { bias: biasName = 'mlp.gate.e_score_correction_bias', alone = ALONE } = options
  const groups = options.groups?.count === 1 ? undefined : options.groups
  const spec = gatedExperts({
    count,
    perToken,
    hiddenSize: options.hidden_size,
    intermediateSize: wide,
    activation: options.hidden_act,
    names: { router: 'mlp.gate', module: 'mlp.experts', ...(alone && { alone }) }
  })
  const shared = { ...options, intermediate_size: wide * options.shared }
  return {
    feedForward(layer, n, index) {
      if (!sparse[index]) return gatedMlp(layer, n, options, { mlpBias })
      const bias =
        scores === 'softmax' ? undefined : layer.parameter(biasName, [count], { float32: !options.roundedBias })
      addRoutedExperts(layer, n, spec, { scores, normed, bias, groups, epsilon: EPSILON, scale })
      if (options.shared === 0) return undefined
      return sharedExpert(layer, n, shared, { module: 'mlp.shared_experts', mlpBias })
    },
    note: sparse.includes(true) ? { experts: expertsNote(spec, 'mlp.experts', { quantizedIn4 }) } : {}
  }
}

/** What routing reads from a config, under the names of most config classes. */
interface RoutedSettings {
  readonly hidden_size: number
  readonly hidden_act: ActivationName
  readonly intermediate_size: number
  readonly moe_intermediate_size: number
  readonly n_routed_experts: number
  readonly n_shared_experts: number
  readonly num_experts_per_tok: number
  readonly routed_scaling_factor: number
}

/** The same under the names of this file. */
export const expertSizes = (settings: RoutedSettings) => ({
  hidden_size: settings.hidden_size,
  hidden_act: settings.hidden_act,
  intermediate_size: settings.intermediate_size,
  wide: settings.moe_intermediate_size,
  count: settings.n_routed_experts,
  perToken: settings.num_experts_per_tok,
  shared: settings.n_shared_experts,
  scale: settings.routed_scaling_factor
})

/** What routing reads where layers have types, and the bias of the router is a part of the MLP. */
interface TypedSettings {
  readonly moe_intermediate_size: number
  readonly num_experts: number
  readonly num_shared_experts: number
  readonly num_experts_per_tok: number
  readonly mlp_layer_types: readonly string[]
}

/** That bias. */
export const MLP_BIAS = 'mlp.e_score_correction_bias'

/** The same under the names of this file. */
export const typedSizes = (settings: TypedSettings) => ({
  wide: settings.moe_intermediate_size,
  count: settings.num_experts,
  perToken: settings.num_experts_per_tok,
  shared: settings.num_shared_experts,
  sparse: settings.mlp_layer_types.map((type) => type === 'sparse'),
  bias: MLP_BIAS
})

/** @throws {AppError} BAD_INPUT where a token is routed to more experts than there are, or groups do not part them */
export function checkExperts(
  config: ConfigReader,
  {
    n_routed_experts: count,
    num_experts_per_tok: perToken
  }: Pick<RoutedSettings, 'n_routed_experts' | 'num_experts_per_tok'>,
  groups: ExpertGroups | undefined
): void {
  if (groups !== undefined && count < groups.best) throw config.complaint('n_routed_experts', `at least ${groups.best}`)
  checkRouting(config, perToken, count)
  if (groups !== undefined) checkGroups(config, groups, count, perToken)
}

/** Routers of sigmoids compare groups of experts by the two best of each, also where all are one group. */
export const LEAST_EXPERTS = 2

/** Groups where scores are sigmoids. */
export const sigmoidGroups = ({
  n_group: count,
  topk_group: chosen
}: {
  readonly n_group: number
  readonly topk_group: number
}): ExpertGroups => ({ count, chosen, best: LEAST_EXPERTS })
