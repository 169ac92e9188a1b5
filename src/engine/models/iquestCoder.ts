import { activation } from './activations'
import { alikeLayers } from './alikeLayers'
import { defineFamily } from './architecture'
import type { ConfigReader } from './configReader'
import { llamaLike } from './llamaLike'
import { flag, integer, number, orNull, readSettings } from './settings'

/** Defaults of transformers' IQuestCoderConfig. */
const TABLE = {
  vocab_size: integer(76_800),
  hidden_size: integer(5120),
  intermediate_size: integer(27_648),
  num_hidden_layers: integer(80),
  num_attention_heads: integer(40),
  num_key_value_heads: orNull(integer, 8),
  head_dim: orNull(integer, 128),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(131_072),
  rms_norm_eps: number(1e-5),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false),
  mlp_bias: flag(false)
}

/** IQuest-Coder: LLaMA itself, whose class computes it. Source: transformers configuration_iquestcoder, modeling_llama. */
export const iquestCoder = defineFamily({
  modelTypes: ['iquestcoder'],
  settings(config) {
    checkUnsupported(config)
    return alikeLayers(config, readSettings(config, TABLE), { divided: true })
  },
  build: (settings) =>
    llamaLike(settings, {
      family: 'iquestcoder',
      inputBias: settings.attention_bias,
      outputBias: settings.attention_bias,
      mlpBias: settings.mlp_bias
    })
})

/** What its own code can do and LLaMA cannot: its class refuses it. */
function checkUnsupported(config: ConfigReader): void {
  if (config.has('clip_qkv')) throw config.complaint('clip_qkv', 'null')
  const slides = config.raw('use_sliding_window') ?? false
  if (slides !== false) throw config.complaint('use_sliding_window', 'false')
}
