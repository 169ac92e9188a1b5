import { badInput } from '../../shared/errors'
import { shownValue } from '../../shared/shownValue'
import { alikeLayers } from './alikeLayers'
import { defineFamily } from './architecture'
import type { ConfigReader } from './configReader'
import { equalHeads } from './heads'
import { llamaLike } from './llamaLike'
import { derive, QWEN2 } from './qwen'
import { ropeKey, STANDARD_ROPE } from './ropeSettings'
import { flag, integer, natural, number, orNull, readSettings } from './settings'

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

/** Pairs of dimensions of each stream where config.json does not say. */
const SECTIONS = [16, 24, 24]

/** Qwen 2 with streams of positions, whose heads divide the hidden size. Sources: modeling_qwen2_vl, modeling_qwen2_5_vl. */
const qwen2Text = (type: string) =>
  defineFamily({
    modelTypes: [type],
    settings(config) {
      const table = readSettings(config, QWEN2_VL)
      const head_dim = equalHeads(config, table.hidden_size, table.num_attention_heads)
      checkSections(config, head_dim)
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

/** The streams' shares must make up a head: its model splits cos and sin by them. */
function checkSections(config: ConfigReader, headDim: number): void {
  const key = ropeKey(config)
  const parameters = config.object(key)
  const sections = parameters.given('mrope_section') ? parameters.wholes('mrope_section') : SECTIONS
  if (sections.every((one) => one >= 0) && 2 * sections.reduce((sum, one) => sum + one, 0) === headDim) return
  const found = parameters.given('mrope_section') ? shownValue(sections) : `missing, which means [${sections}]`
  throw badInput(`${parameters.where}: mrope_section is ${found}, expected a sum of ${headDim / 2}, half a head`)
}
