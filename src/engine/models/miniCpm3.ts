import { activation } from './activations'
import { defineFamily } from './architecture'
import type { ConfigReader } from './configReader'
import { dividedHidden } from './heads'
import { latentDecoder, latentLayers } from './latentDecoder'
import { flag, integer, number, orNull, readSettings } from './settings'

/** Defaults of transformers' MiniCPM3Config. */
const TABLE = {
  vocab_size: integer(73_448),
  hidden_size: integer(2560),
  intermediate_size: integer(6400),
  num_hidden_layers: integer(62),
  num_attention_heads: integer(40),
  num_key_value_heads: orNull(integer, 40),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(32_768),
  rms_norm_eps: number(1e-5),
  tie_word_embeddings: flag(true),
  attention_bias: flag(false),
  mlp_bias: flag(false),
  q_lora_rank: orNull(integer, 768),
  kv_lora_rank: integer(256),
  qk_nope_head_dim: integer(64),
  qk_rope_head_dim: integer(32),
  v_head_dim: orNull(integer),
  scale_emb: number(12),
  scale_depth: orNull(number, 1.4),
  dim_model_base: orNull(integer, 256)
}

/**
 * MiniCPM3: LLaMA with latent attention, and factors of the embedding, `scale_emb`, of what each sublayer adds, `scale_depth` /
 * √layers, and of the logits, `dim_model_base` / width.
 *
 * Source: transformers modeling_minicpm3.
 */
export const miniCpm3 = defineFamily({
  modelTypes: ['minicpm3'],
  settings: readMiniCpm3,
  build: (settings) =>
    latentDecoder(settings, {
      family: 'minicpm3',
      mlpBias: settings.mlp_bias,
      interleaved: false,
      embeddingScale: settings.scale_emb,
      residualScale: settings.scale_depth / Math.sqrt(settings.num_hidden_layers),
      logitScale: settings.dim_model_base / settings.hidden_size
    })
})

function readMiniCpm3(config: ConfigReader) {
  const settings = readSettings(config, TABLE)
  const { hidden_size: hiddenSize, num_hidden_layers: layers, num_attention_heads: heads } = settings
  dividedHidden(config, settings.hidden_size, settings.num_attention_heads)
  return latentLayers(config, {
    ...settings,
    v_head_dim: settings.v_head_dim ?? Math.floor(hiddenSize / heads),
    scale_depth: settings.scale_depth ?? Math.sqrt(layers),
    dim_model_base: settings.dim_model_base ?? hiddenSize
  })
}
