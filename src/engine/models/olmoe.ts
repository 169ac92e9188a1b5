import { activation } from './activations'
import { alikeLayers } from './alikeLayers'
import { defineFamily } from './architecture'
import { checkRouting, gatedExperts } from './experts'
import { equalHeads } from './heads'
import { llamaLike } from './llamaLike'
import { addRoutedExperts, expertsNote } from './routedExperts'
import { flag, integer, number, orNull, positive, readSettings } from './settings'

/** Defaults of transformers' OlmoeConfig. */
const TABLE = {
  vocab_size: integer(50_304),
  hidden_size: integer(2048),
  intermediate_size: integer(2048),
  num_hidden_layers: integer(16),
  num_attention_heads: integer(16),
  num_key_value_heads: orNull(integer),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(4096),
  rms_norm_eps: number(1e-5),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false),
  clip_qkv: orNull(positive),
  num_experts_per_tok: integer(8),
  num_experts: integer(64),
  norm_topk_prob: flag(false)
}

const ALIASES = { num_local_experts: 'num_experts' }

/**
 * OLMoE: LLaMA with experts in the place of the MLP, and norms of q and k over all heads at once, after which they may be
 * clipped.
 *
 * Source: transformers modeling_olmoe.
 */
export const olmoe = defineFamily({
  modelTypes: ['olmoe'],
  settings(config) {
    const settings = readSettings(config, TABLE, ALIASES)
    checkRouting(config, settings.num_experts_per_tok, settings.num_experts)
    const head_dim = equalHeads(config, settings.hidden_size, settings.num_attention_heads)
    return alikeLayers(config, { ...settings, head_dim })
  },
  build(settings) {
    const { hidden_size: hiddenSize, num_experts: count, num_experts_per_tok: perToken } = settings
    const { attention_bias: bias, norm_topk_prob: normed } = settings
    const spec = gatedExperts({
      count,
      perToken,
      hiddenSize,
      intermediateSize: settings.intermediate_size,
      activation: settings.hidden_act,
      names: { router: 'mlp.gate', module: 'mlp.experts', alone: ['gate_proj', 'up_proj', 'down_proj'] }
    })
    const model = llamaLike(settings, {
      family: 'olmoe',
      inputBias: bias,
      outputBias: bias,
      mlpBias: false,
      queryKeyNorm: { over: 'width' },
      clip: settings.clip_qkv,
      feedForward(layer, n) {
        addRoutedExperts(layer, n, spec, { scores: 'softmax', normed })
        return undefined
      }
    })
    return { ...model, experts: expertsNote(spec, 'mlp.experts', { quantizedIn4: true }) }
  }
})
