import { badInput } from '../../shared/errors'
import { alikeLayers } from './alikeLayers'
import { defineFamily } from './architecture'
import { equalHeads } from './heads'
import { llamaLike } from './llamaLike'
import { derive, QWEN2 } from './qwen'
import { checkSparseLayers, qwenExperts } from './qwenExperts'
import { checkSections } from './ropeSections'
import { STANDARD_ROPE } from './ropeSettings'
import { flag, integer, natural, number, orNull, readSettings, wholes } from './settings'

/*
 * Text models of Qwen's models that see images. Their rotary positions have three streams (time, height, width), of which
 * each pair of dimensions takes one; on texts all three are the token's place, so that this is the ordinary rotation.
 */

/** Defaults of transformers' Qwen2VLTextConfig and Qwen2_5_VLTextConfig. */
const QWEN2_VL = {
  ...QWEN2,
  vocab_size: integer(152_064),
  hidden_size: integer(8192),
  intermediate_size: integer(29_568),
  num_hidden_layers: integer(80),
  num_attention_heads: integer(64),
  num_key_value_heads: orNull(integer, 8),
  rms_norm_eps: number(1e-5),
  use_sliding_window: orNull(flag, false),
  max_window_layers: orNull(natural, 80)
}

/** Defaults of Qwen3VLTextConfig where they differ from those of Qwen3Config; no layer slides. */
const { use_sliding_window: _, sliding_window: __, max_window_layers: ___, layer_types: ____, ...WHOLE } = QWEN2
const QWEN3_VL = {
  ...WHOLE,
  num_key_value_heads: orNull(integer, 32),
  head_dim: integer(128),
  max_position_embeddings: integer(128_000),
  attention_bias: flag(false)
}

/** `mrope` is what checkpoints call the three streams. */
const ROPE_2 = { ...STANDARD_ROPE, theta: ['rope_theta', 1_000_000], renamed: { mrope: 'default' } } as const
const ROPE_3 = { ...STANDARD_ROPE, theta: ['rope_theta', 500_000] } as const

/** Qwen 2 with streams of positions, whose heads divide the hidden size. Sources: modeling_qwen2_vl, modeling_qwen2_5_vl. */
const qwen2Text = (type: string) =>
  defineFamily({
    modelTypes: [type],
    settings(config) {
      const table = readSettings(config, QWEN2_VL)
      const head_dim = equalHeads(config, table.hidden_size, table.num_attention_heads)
      checkSections(config, head_dim, [16, 24, 24])
      return derive(config, { ...table, head_dim }, ROPE_2)
    },
    build: (settings) => llamaLike(settings, { family: type, inputBias: true, outputBias: false, mlpBias: false })
  })

export const qwen2VlText = qwen2Text('qwen2_vl_text')
export const qwen25VlText = qwen2Text('qwen2_5_vl_text')

/** Qwen 3 with streams of positions. Source: modeling_qwen3_vl. */
export const qwen3VlText = defineFamily({
  modelTypes: ['qwen3_vl_text'],
  settings: (config) => alikeLayers(config, readSettings(config, QWEN3_VL), { form: ROPE_3 }),
  build: (settings) =>
    llamaLike(settings, {
      family: 'qwen3_vl_text',
      inputBias: settings.attention_bias,
      outputBias: settings.attention_bias,
      mlpBias: false,
      queryKeyNorm: { over: 'head' }
    })
})

/** Defaults of Qwen3VLMoeTextConfig. */
const QWEN3_VL_MOE = {
  ...WHOLE,
  hidden_size: integer(2048),
  intermediate_size: integer(5632),
  num_hidden_layers: integer(24),
  num_attention_heads: integer(16),
  num_key_value_heads: orNull(integer, 16),
  max_position_embeddings: integer(128_000),
  tie_word_embeddings: flag(true),
  attention_bias: flag(false),
  decoder_sparse_step: integer(1),
  moe_intermediate_size: integer(1408),
  num_experts_per_tok: integer(4),
  num_experts: natural(60),
  mlp_only_layers: orNull(wholes)
}

/**
 * The same with experts in the place of the MLP, on all layers or on some. Published files have the matrices of experts
 * turned, which transformers 5 tells by their shapes.
 *
 * Source: transformers modeling_qwen3_vl_moe; conversion_mapping.py, qwen3_vl_moe.
 */
export const qwen3VlMoeText = defineFamily({
  modelTypes: ['qwen3_vl_moe_text'],
  settings(config) {
    const given = readSettings(config, QWEN3_VL_MOE, { num_local_experts: 'num_experts' })
    const settings = { ...given, mlp_only_layers: given.mlp_only_layers ?? [] }
    return checkSparseLayers(config, alikeLayers(config, settings, { form: ROPE_3 }))
  },
  build(settings) {
    const kinds = { normed: true, quantizedIn4: false, quantizedRouterIn4: true, turnable: true }
    const { feedForward, note } = qwenExperts(settings, kinds)
    const model = llamaLike(settings, {
      family: 'qwen3_vl_moe_text',
      inputBias: settings.attention_bias,
      outputBias: settings.attention_bias,
      mlpBias: false,
      queryKeyNorm: { over: 'head' },
      feedForward
    })
    return { ...model, ...note }
  },
  check({ hidden_size: hidden, moe_intermediate_size: wide }, where) {
    if (hidden !== wide && hidden !== 2 * wide) return
    const found = `moe_intermediate_size is ${wide} and hidden_size ${hidden}`
    throw badInput(`${where}: ${found}, so that files do not say which way round the matrices of experts are`)
  }
})
