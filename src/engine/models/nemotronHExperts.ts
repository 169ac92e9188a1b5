import type { Value } from '../graph/graphBuilder'
import type { ActivationName } from './activations'
import { sigmoidGroups } from './deepseekExperts'
import { type ExpertsSpec, plainExperts } from './experts'
import type { LayerBuilder } from './layerBuilder'
import { plainMlp } from './mlp'
import { routingWeights } from './routedExperts'

/** What experts read from a config, under the names of the config class. */
export interface NemotronHExperts {
  readonly hidden_size: number
  readonly intermediate_size: number
  readonly mlp_hidden_act: ActivationName
  readonly mlp_bias: boolean
  readonly n_routed_experts: number
  readonly num_experts_per_tok: number
  readonly moe_intermediate_size: number
  readonly moe_shared_expert_intermediate_size: number
  readonly moe_latent_size: number | null
  readonly norm_topk_prob: boolean
  readonly routed_scaling_factor: number
  readonly n_group: number
  readonly topk_group: number
}

/** Added to the sum that routing weights are divided by. */
const EPSILON = 1e-20

export const nemotronHExperts = (settings: NemotronHExperts): ExpertsSpec =>
  plainExperts({
    count: settings.n_routed_experts,
    perToken: settings.num_experts_per_tok,
    hiddenSize: settings.moe_latent_size ?? settings.hidden_size,
    intermediateSize: settings.moe_intermediate_size,
    activation: settings.mlp_hidden_act,
    names: { router: 'mixer.gate', module: 'mixer.experts' }
  })

/**
 * Experts without gates, in a narrower space where there is a latent size, and a shared one beside them:
 *
 *     fc2(Σₑ wₑ · downₑ(act(upₑ(fc1(n))))) + down(act(up(n))),   w = a · the top k of sigmoid(R n) + b, without b, normed or not
 *
 * @returns what the block adds, or without a latent size all of it but the experts behind the block
 */
export function mixedExperts(layer: LayerBuilder, n: Value, settings: NemotronHExperts, spec: ExpertsSpec): Value {
  const { hidden_size: hiddenSize, moe_latent_size: latent, mlp_bias: bias, n_group: groups } = settings
  const weights = routingWeights(
    layer,
    n,
    { ...spec, hiddenSize },
    {
      scores: 'sigmoid',
      normed: settings.norm_topk_prob,
      bias: layer.parameter('mixer.gate.e_score_correction_bias', [spec.count], { float32: true }),
      groups: groups === 1 ? undefined : sigmoidGroups(settings),
      epsilon: EPSILON,
      scale: settings.routed_scaling_factor
    }
  )
  if (latent === null) {
    layer.addExperts(spec, n, weights)
    return sharedMlp(layer, n, settings)
  }
  const narrow = layer.linear('mixer.fc1_latent_proj', n, { in: hiddenSize, out: latent, bias })
  const sum = layer.sumOfExperts(spec, narrow, weights)
  const wide = layer.linear('mixer.fc2_latent_proj', sum, { in: latent, out: hiddenSize, bias })
  return layer.graph.add(wide, sharedMlp(layer, n, settings))
}

function sharedMlp(layer: LayerBuilder, n: Value, settings: NemotronHExperts): Value {
  const { moe_shared_expert_intermediate_size: own, intermediate_size: usual, mlp_hidden_act: hidden_act } = settings
  // Its model takes 0 for none given.
  const size = { ...settings, hidden_act, intermediate_size: own === 0 ? usual : own }
  const names = ['mixer.shared_experts.up_proj', 'mixer.shared_experts.down_proj'] as const
  return plainMlp(layer, n, size, { names, bias: settings.mlp_bias })
}
