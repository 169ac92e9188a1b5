import { badInput } from '../../shared/errors'
import type { Value } from '../graph/graphBuilder'
import type { ActivationName } from './activations'
import { type ExpertsSpec, gatedExperts, MAX_EXPERTS, routedScores } from './experts'
import type { LayerBuilder } from './layerBuilder'
import { bareRmsNorm, rmsNorm } from './norms'
import { flag, integer, orNull, type Settings } from './settings'

/** Keys of the experts of Gemma 4; their numbers have no defaults. */
export const GEMMA4_EXPERTS = {
  enable_moe_block: flag(false),
  num_experts: orNull(integer),
  top_k_experts: orNull(integer),
  moe_intermediate_size: orNull(integer)
}

interface ExpertSettings extends Partial<Settings<typeof GEMMA4_EXPERTS>> {
  readonly hidden_size: number
  readonly hidden_activation: ActivationName
  readonly rms_norm_eps: number
}

/** The module of the experts, and the linear of their router. */
export const EXPERTS = 'experts'
export const ROUTER = 'router.proj'

/** The experts of every block; undefined without `enable_moe_block`. */
export function gemma4Experts(settings: ExpertSettings): ExpertsSpec | undefined {
  if (settings.enable_moe_block !== true) return undefined
  const { num_experts: count, top_k_experts: perToken, moe_intermediate_size: intermediateSize } = settings
  return gatedExperts({
    count: count as number,
    perToken: perToken as number,
    hiddenSize: settings.hidden_size,
    intermediateSize: intermediateSize as number,
    activation: settings.hidden_activation,
    names: { module: EXPERTS }
  })
}

/** @throws {AppError} BAD_INPUT where experts lack a number, or a token would be routed to more of them than there are */
export function checkGemma4Experts(settings: Settings<typeof GEMMA4_EXPERTS>, where: string): void {
  if (!settings.enable_moe_block) return
  for (const key of ['num_experts', 'top_k_experts', 'moe_intermediate_size'] as const) {
    if (settings[key] !== null) continue
    throw badInput(`${where}: ${key} is null, expected a positive whole number where enable_moe_block is true`)
  }
  const [count, perToken] = [settings.num_experts as number, settings.top_k_experts as number]
  if (count > MAX_EXPERTS) throw badInput(`${where}: ${count} experts in a block, expected at most ${MAX_EXPERTS}`)
  if (perToken > count) {
    throw badInput(`${where}: top_k_experts is ${perToken}, expected at most ${count}, the number of experts`)
  }
}

/**
 * What the MLP of a block with experts gives, from what its MLP makes of norm(x) and from x [tokens, hidden] itself:
 *
 *     norm₁(mlp(norm(x))) + norm₂(Σₑ wₑ · expertₑ(norm₃(x))),   w = s · topk(softmax(R (c · x̂)/√hidden)) / Σ topk
 *
 * with x̂ = x / √(mean(x²) + ε), c for each dimension and s for each expert. Source: transformers modeling_gemma4, Gemma4TextRouter.
 */
export function besideExperts(
  layer: LayerBuilder,
  fed: Value,
  x: Value,
  spec: ExpertsSpec,
  { hidden_size: hiddenSize, rms_norm_eps: epsilon }: ExpertSettings
): Value {
  const { graph } = layer
  const norm = (value: Value, name: string) => rmsNorm(layer, value, name, hiddenSize, epsilon)
  const scaled = graph.mul(bareRmsNorm(layer, x, epsilon), layer.parameter('router.scale', [hiddenSize]))
  const routed = graph.mul(scaled, graph.scalar(hiddenSize ** -0.5))
  const logits = layer.linear(ROUTER, routed, { in: hiddenSize, out: spec.count, bias: false })
  const weights = routedScores(graph, graph.softmax(logits), { ...spec, normed: true })
  const routing = graph.mul(weights, layer.parameter('router.per_expert_scale', [spec.count]))
  const sum = layer.sumOfExperts(spec, norm(x, 'pre_feedforward_layernorm_2'), routing)
  return graph.add(norm(fed, 'post_feedforward_layernorm_1'), norm(sum, 'post_feedforward_layernorm_2'))
}
