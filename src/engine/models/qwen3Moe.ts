import { activation } from './activations'
import { alikeLayers } from './alikeLayers'
import { defineFamily, type ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { NAMED_AS_EXPERTS } from './experts'
import { llamaLike } from './llamaLike'
import { checkSparseLayers, qwenExperts } from './qwenExperts'
import { beside, flag, integer, natural, number, orNull, readSettings, wholes } from './settings'

/** Defaults of transformers' Qwen3MoeConfig; `head_dim` is no key of the class, but its model reads it. */
const TABLE = {
  vocab_size: integer(151_936),
  hidden_size: integer(2048),
  intermediate_size: integer(6144),
  num_hidden_layers: integer(24),
  num_attention_heads: integer(32),
  num_key_value_heads: integer(4),
  head_dim: beside(integer, 1),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(32_768),
  rms_norm_eps: number(1e-6),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false),
  use_sliding_window: flag(false),
  sliding_window: orNull(integer, 4096),
  decoder_sparse_step: integer(1),
  moe_intermediate_size: integer(768),
  num_experts_per_tok: integer(8),
  num_experts: natural(128),
  norm_topk_prob: flag(false),
  mlp_only_layers: orNull(wholes)
}

const ALIASES = { num_local_experts: 'num_experts' }

/**
 * Qwen 3 with experts in the place of the MLP, on all layers or on some.
 *
 * Source: transformers modeling_qwen3_moe.
 */
export const qwen3Moe = defineFamily({ modelTypes: ['qwen3_moe'], settings: readQwen3Moe, build: buildQwen3Moe })

function readQwen3Moe(config: ConfigReader) {
  const given = readSettings(config, TABLE, ALIASES)
  const sliding_window = given.use_sliding_window ? given.sliding_window : null
  const mlp_only_layers = given.mlp_only_layers ?? []
  // transformers writes the number under its other name, which wins.
  const settings = { ...given, sliding_window, mlp_only_layers, num_local_experts: given.num_experts }
  return checkSparseLayers(config, alikeLayers(config, settings, { window: sliding_window }))
}

function buildQwen3Moe(settings: ReturnType<typeof readQwen3Moe>): ModelArchitecture {
  const { feedForward, note } = qwenExperts(settings, { normed: settings.norm_topk_prob, quantizedIn4: true })
  const model = llamaLike(settings, {
    family: 'qwen3_moe',
    inputBias: settings.attention_bias,
    outputBias: settings.attention_bias,
    mlpBias: false,
    queryKeyNorm: { over: 'head' },
    feedForward
  })
  return { ...model, ...note, unreached: NAMED_AS_EXPERTS }
}
