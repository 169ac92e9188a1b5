import { activation } from './activations'
import { alikeLayers } from './alikeLayers'
import { defineFamily } from './architecture'
import { llamaLike } from './llamaLike'
import { flag, integer, number, orNull, readSettings } from './settings'

/** Defaults of transformers' InternLM3Config. */
const TABLE = {
  vocab_size: integer(128_512),
  hidden_size: integer(4096),
  intermediate_size: integer(10_240),
  num_hidden_layers: integer(48),
  num_attention_heads: integer(32),
  num_key_value_heads: orNull(integer, 2),
  head_dim: orNull(integer, 128),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(32_768),
  rms_norm_eps: number(1e-5),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false),
  mlp_bias: flag(false)
}

/** Its own names, under which its files have them. */
const ALIASES = { qkv_bias: 'attention_bias', bias: 'mlp_bias' }

/**
 * InternLM 3: LLaMA itself, whose class computes it, with other names of the biases.
 *
 * Source: transformers configuration_internlm3, modeling_llama.
 */
export const internlm3 = defineFamily({
  modelTypes: ['internlm3'],
  settings(config) {
    const settings = readSettings(config, TABLE, ALIASES)
    // Its own code has biases of o by one and those of q, k and v by the other, LLaMA's all by the first.
    if (settings.attention_bias !== settings.mlp_bias) {
      throw config.complaint(config.given('bias') ? 'bias' : 'mlp_bias', `what qkv_bias is, ${settings.attention_bias}`)
    }
    return alikeLayers(config, settings, { divided: true })
  },
  build: (settings) =>
    llamaLike(settings, {
      family: 'internlm3',
      inputBias: settings.attention_bias,
      outputBias: settings.attention_bias,
      mlpBias: settings.mlp_bias
    })
})
