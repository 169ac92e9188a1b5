import type { ExpertsNote } from '../../shared/expertsNote'
import type { Value } from '../graph/graphBuilder'
import type { ActivationName } from './activations'
import type { ConfigReader } from './configReader'
import { checkGroups, type ExpertGroups } from './expertGroups'
import { checkRouting, gatedExperts } from './experts'
import type { LayerBuilder } from './layerBuilder'
import { gatedMlp } from './mlp'
import { addRoutedExperts, expertsNote, sharedExpert } from './routedExperts'

/** What DeepSeek's mixtures of experts read from a config, under the names of the config classes. */
interface ExpertSettings {
  readonly hidden_size: number
  readonly hidden_act: ActivationName
  /** Of the MLPs of other layers. */
  readonly intermediate_size: number
  readonly moe_intermediate_size: number
  readonly n_routed_experts: number
  readonly n_shared_experts: number
  readonly num_experts_per_tok: number
  readonly routed_scaling_factor: number
}

interface ExpertOptions {
  /** Which layers have experts; the others have an MLP. */
  readonly sparse: readonly boolean[]
  /** `softmax`: weights are scores. `sigmoid`: a bias is added where experts are chosen, and weights may be normed. */
  readonly scores: 'softmax' | 'sigmoid'
  readonly normed: boolean
  /** Left out, experts are chosen among all. */
  readonly groups?: ExpertGroups | undefined
  readonly mlpBias: boolean
  /** Whether transformers 4 has the type. */
  readonly quantizedIn4: boolean
}

/** What follows the second norm of each layer, and what the architecture says of it. */
interface DeepseekExperts {
  readonly feedForward: (layer: LayerBuilder, n: Value, index: number) => Value
  readonly note: { readonly experts?: ExpertsNote }
}

/** Added to the sum that routing weights are divided by. */
const EPSILON = 1e-20

/**
 * Experts on some layers, with a shared one for every token beside them; the others have an MLP.
 *
 *     Σₑ wₑ · downₑ(act(gateₑ(n)) · upₑ(n)) + shared(n),   w = a · the top k of softmax(router(n))
 *     or w = a · the top k of sigmoid(router(n)) + b, without b, normed or not
 *
 * Source: transformers modeling_deepseek_v2, modeling_deepseek_v3, modeling_glm4_moe.
 */
export function deepseekExperts(settings: ExpertSettings, options: ExpertOptions): DeepseekExperts {
  const { hidden_size: hiddenSize, moe_intermediate_size: wide, routed_scaling_factor: scale } = settings
  const { sparse, scores, normed, mlpBias } = options
  const groups = options.groups?.count === 1 ? undefined : options.groups
  const spec = gatedExperts({
    count: settings.n_routed_experts,
    perToken: settings.num_experts_per_tok,
    hiddenSize,
    intermediateSize: wide,
    activation: settings.hidden_act,
    names: { router: 'mlp.gate', module: 'mlp.experts', alone: ['gate_proj', 'up_proj', 'down_proj'] }
  })
  const shared = { ...settings, intermediate_size: wide * settings.n_shared_experts }
  return {
    feedForward(layer, n, index) {
      if (!sparse[index]) return gatedMlp(layer, n, settings, { mlpBias })
      const bias =
        scores === 'softmax'
          ? undefined
          : layer.parameter('mlp.gate.e_score_correction_bias', [spec.count], { float32: true })
      addRoutedExperts(layer, n, spec, { scores, normed, bias, groups, epsilon: EPSILON, scale })
      return sharedExpert(layer, n, shared, { module: 'mlp.shared_experts', mlpBias })
    },
    note: sparse.includes(true)
      ? { experts: expertsNote(spec, 'mlp.experts', { quantizedIn4: options.quantizedIn4 }) }
      : {}
  }
}

/** @throws {AppError} BAD_INPUT where a token is routed to more experts than there are, or groups do not part them */
export function checkExperts(
  config: ConfigReader,
  {
    n_routed_experts: count,
    num_experts_per_tok: perToken
  }: Pick<ExpertSettings, 'n_routed_experts' | 'num_experts_per_tok'>,
  groups: ExpertGroups | undefined
): void {
  if (groups !== undefined && count < groups.best) throw config.complaint('n_routed_experts', `at least ${groups.best}`)
  checkRouting(config, perToken, count)
  if (groups !== undefined) checkGroups(config, groups, count, perToken)
}

/** Groups where scores are sigmoids: a group's score is the sum of its two best, also where all experts are one group. */
export const sigmoidGroups = ({
  n_group: count,
  topk_group: chosen
}: {
  readonly n_group: number
  readonly topk_group: number
}): ExpertGroups => ({ count, chosen, best: 2 })
