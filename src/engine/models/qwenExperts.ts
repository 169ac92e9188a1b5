import type { Value } from '../graph/graphBuilder'
import type { ActivationName } from './activations'
import type { ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { checkRouting, gatedExperts } from './experts'
import type { LayerBuilder } from './layerBuilder'
import { gatedMlp } from './mlp'
import { addRoutedExperts, expertsNote, sharedExpert } from './routedExperts'

/** What says which layers have experts, under the names of the config classes; all have some where nothing is said. */
interface SparseLayers {
  readonly layers: readonly unknown[]
  readonly num_experts: number
  readonly decoder_sparse_step?: number
  readonly mlp_only_layers?: readonly number[]
}

/** What Qwen's mixtures of experts read from a config. */
interface QwenExpertsSettings extends SparseLayers {
  readonly hidden_size: number
  readonly hidden_act: ActivationName
  readonly moe_intermediate_size: number
  readonly num_experts_per_tok: number
  /** Of the MLPs of other layers. */
  readonly intermediate_size?: number
  /** Of an MLP for every token beside the experts, where there is one. */
  readonly shared_expert_intermediate_size?: number
}

interface QwenExpertsOptions {
  /** Whether the weights of the chosen experts add up to 1. */
  readonly normed: boolean
  /** Whether transformers 4 has the type, with linears in its experts. */
  readonly quantizedIn4: boolean
  /** Whether it has the router as a linear, but no experts. */
  readonly quantizedRouterIn4?: boolean
  /** Whether files hold all experts in one tensor, whose matrices may be turned; else each by itself, or all as they are. */
  readonly turnable?: boolean
}

/** What follows the second norm of each layer, and what the architecture says of it. */
interface QwenExperts {
  readonly feedForward: (layer: LayerBuilder, n: Value, index: number) => Value | undefined
  readonly note: Pick<ModelArchitecture, 'experts'>
}

/**
 * Experts on all layers or on some, the others have an MLP; beside the experts there may be one for every token, with a gate.
 *
 *     Σₑ wₑ · downₑ(act(gateₑ(n)) · upₑ(n)) + sigmoid(g(n)) · shared(n), w = top k of softmax(router(n)), normed or not
 *
 * Source: transformers modeling_qwen2_moe, modeling_qwen3_moe, modeling_qwen3_next, modeling_qwen3_5_moe.
 */
export function qwenExperts(settings: QwenExpertsSettings, options: QwenExpertsOptions): QwenExperts {
  const { hidden_size: hiddenSize, num_experts: count, num_experts_per_tok: perToken } = settings
  const { shared_expert_intermediate_size: sharedSize, intermediate_size = 0 } = settings
  const spec = gatedExperts({
    count,
    perToken,
    hiddenSize,
    intermediateSize: settings.moe_intermediate_size,
    activation: settings.hidden_act,
    ...(options.turnable && { turnable: true }),
    names: {
      router: 'mlp.gate',
      module: 'mlp.experts',
      ...(!options.turnable && { alone: ['gate_proj', 'up_proj', 'down_proj'] as const })
    }
  })
  const sparse = sparseLayers(settings)
  const shared = { module: 'mlp.shared_expert', gate: 'mlp.shared_expert_gate', mlpBias: false }
  return {
    feedForward(layer, n, index) {
      if (!sparse[index]) return gatedMlp(layer, n, { ...settings, intermediate_size }, { mlpBias: false })
      addRoutedExperts(layer, n, spec, { scores: 'softmax', normed: options.normed })
      if (sharedSize === undefined) return undefined
      return sharedExpert(layer, n, { ...settings, intermediate_size: sharedSize }, shared)
    },
    note: sparse.includes(true) ? { experts: expertsNote(spec, 'mlp.experts', quantizedIn(options)) } : {}
  }
}

/** @throws {AppError} BAD_INPUT where a layer has experts, and fewer than a token is routed to */
export function checkSparseLayers<S extends SparseLayers & Pick<QwenExpertsSettings, 'num_experts_per_tok'>>(
  config: ConfigReader,
  settings: S
): S {
  const { num_experts_per_tok: perToken, num_experts: count } = settings
  if (sparseLayers(settings).includes(true)) checkRouting(config, perToken, count)
  return settings
}

/** Which layers have experts; the others have an MLP. */
const sparseLayers = ({
  layers,
  num_experts: count,
  decoder_sparse_step: step = 1,
  mlp_only_layers: dense = []
}: SparseLayers): boolean[] => layers.map((_, index) => !dense.includes(index) && count > 0 && (index + 1) % step === 0)

const quantizedIn = ({ quantizedIn4, quantizedRouterIn4 }: QwenExpertsOptions) => ({
  quantizedIn4,
  ...(quantizedRouterIn4 && { quantizedRouterIn4 })
})
