import type { ExpertsNote } from '../../shared/expertsNote'
import type { Value } from '../graph/graphBuilder'
import { type ActivationName, activation } from './activations'
import { alikeLayers } from './alikeLayers'
import { defineFamily } from './architecture'
import { checkRouting, gatedExperts } from './experts'
import type { LayerBuilder } from './layerBuilder'
import { llamaLike } from './llamaLike'
import { STANDARD_ROPE } from './ropeSettings'
import { addRoutedExperts } from './routedExperts'
import { flag, integer, number, orNull, readSettings } from './settings'

/** Defaults of transformers' MixtralConfig. */
const TABLE = {
  vocab_size: integer(32_000),
  hidden_size: integer(4096),
  intermediate_size: integer(14_336),
  num_hidden_layers: integer(32),
  num_attention_heads: integer(32),
  num_key_value_heads: integer(8),
  head_dim: orNull(integer),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(131_072),
  rms_norm_eps: number(1e-5),
  tie_word_embeddings: flag(false),
  sliding_window: orNull(integer),
  num_experts_per_tok: integer(2),
  num_local_experts: integer(8)
}

const ALIASES = { num_experts: 'num_local_experts' }
const ROPE = { ...STANDARD_ROPE, theta: ['rope_theta', 1_000_000] } as const

/** The module is `mlp` in transformers 5, and has its old name in checkpoints. */
export const MIXTRAL_MODULE = 'block_sparse_moe'

/**
 * Mixtral: Mistral with experts in the place of the MLP, the weights of the chosen ones adding up to 1.
 *
 *     x += Σₑ wₑ · w2ₑ(act(w1ₑ(n)) · w3ₑ(n)), w = normed top k of softmax(gate(n))
 *
 * Source: transformers modeling_mixtral.
 */
export const mixtral = defineFamily({
  modelTypes: ['mixtral'],
  settings(config) {
    const settings = readSettings(config, TABLE, ALIASES)
    checkRouting(config, settings.num_experts_per_tok, settings.num_local_experts)
    return alikeLayers(config, settings, { form: ROPE, window: settings.sliding_window })
  },
  build(settings) {
    const { spec, stored } = mixtralExperts(settings, { quantizedIn4: true })
    const feedForward = (layer: LayerBuilder, n: Value): undefined => {
      addRoutedExperts(layer, n, spec, { scores: 'softmax', normed: true })
    }
    return {
      ...llamaLike(settings, { family: 'mixtral', inputBias: false, outputBias: false, mlpBias: false, feedForward }),
      ...stored
    }
  }
})

interface ExpertSettings {
  readonly hidden_size: number
  readonly intermediate_size: number
  readonly hidden_act: ActivationName
  readonly num_local_experts: number
  readonly num_experts_per_tok: number
}

/** Experts under the names that Mixtral's files give them, and what the architecture says of these. */
export function mixtralExperts(settings: ExpertSettings, { quantizedIn4 }: Pick<ExpertsNote, 'quantizedIn4'>) {
  const { num_local_experts: count, num_experts_per_tok: perToken } = settings
  const spec = gatedExperts({
    count,
    perToken,
    hiddenSize: settings.hidden_size,
    intermediateSize: settings.intermediate_size,
    activation: settings.hidden_act,
    names: { router: `${MIXTRAL_MODULE}.gate`, module: `${MIXTRAL_MODULE}.experts`, alone: ['w1', 'w3', 'w2'] }
  })
  const stored = {
    otherNames: (name: string) =>
      name.includes(`.${MIXTRAL_MODULE}.`) ? [name.replace(`.${MIXTRAL_MODULE}.`, '.mlp.')] : [],
    experts: { count, perToken, unquantized: ['mlp.experts', 'mlp.gate'], quantizedIn4 }
  }
  return { spec, stored }
}
