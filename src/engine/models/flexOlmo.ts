import type { Value } from '../graph/graphBuilder'
import { activation } from './activations'
import { alikeLayers } from './alikeLayers'
import { defineFamily } from './architecture'
import { checkRouting, gatedExperts } from './experts'
import type { LayerBuilder } from './layerBuilder'
import { llamaLike } from './llamaLike'
import { STANDARD_ROPE } from './ropeSettings'
import { expertsNote, routedSum } from './routedExperts'
import { beside, flag, integer, number, orNull, readSettings } from './settings'

/** Defaults of transformers' FlexOlmoConfig. */
const TABLE = {
  vocab_size: integer(100_352),
  hidden_size: integer(4096),
  intermediate_size: integer(11_008),
  num_hidden_layers: integer(32),
  num_attention_heads: integer(32),
  num_key_value_heads: orNull(integer),
  head_dim: beside(integer, 1),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(4096),
  rms_norm_eps: number(1e-6),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false),
  num_experts_per_tok: integer(5),
  num_experts: integer(7),
  norm_topk_prob: flag(false)
}

const ALIASES = { num_local_experts: 'num_experts' }
const ROPE = { ...STANDARD_ROPE, theta: ['rope_theta', 500_000] } as const

/**
 * FlexOlmo: OLMo 2, norms after each sublayer, with experts in the place of the MLP, each trained on data of its own.
 *
 *     x += norm(Σₑ wₑ · expertₑ(x)), w = the top k of softmax(gate(x)), normed or not
 *
 * Source: transformers modeling_flex_olmo.
 */
export const flexOlmo = defineFamily({
  modelTypes: ['flex_olmo'],
  settings(config) {
    const settings = readSettings(config, TABLE, ALIASES)
    checkRouting(config, settings.num_experts_per_tok, settings.num_experts)
    return alikeLayers(config, settings, { form: ROPE })
  },
  build(settings) {
    const { attention_bias: bias, norm_topk_prob: normed } = settings
    const spec = gatedExperts({
      count: settings.num_experts,
      perToken: settings.num_experts_per_tok,
      hiddenSize: settings.hidden_size,
      intermediateSize: settings.intermediate_size,
      activation: settings.hidden_act,
      names: { router: 'mlp.gate', module: 'mlp.experts', alone: ['gate_proj', 'up_proj', 'down_proj'] }
    })
    const model = llamaLike(settings, {
      family: 'flex_olmo',
      inputBias: bias,
      outputBias: bias,
      mlpBias: false,
      norms: 'after',
      queryKeyNorm: { over: 'width' },
      feedForward: (layer: LayerBuilder, x: Value) => routedSum(layer, x, spec, { scores: 'softmax', normed })
    })
    return { ...model, experts: expertsNote(spec, 'mlp.experts', { quantizedIn4: true }) }
  }
})
