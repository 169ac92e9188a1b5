import { activation } from './activations'
import { alikeLayers } from './alikeLayers'
import { defineFamily } from './architecture'
import type { ConfigReader } from './configReader'
import { checkExperts, sigmoidGroups } from './deepseekExperts'
import { GLM_ROPE, glmLike } from './glm'
import { GLM4_MOE, glm4MoeLike } from './glm4Moe'
import { equalHeads } from './heads'
import type { LayerAttention } from './layerTypes'
import { checkSections } from './ropeSections'
import type { RopeForm } from './ropeSettings'
import { beside, flag, integer, natural, number, orNull, readSettings } from './settings'

/*
 * Text models of GLM's models that see images: blocks of GLM-4-0414, or of GLM-4.5, with three streams of positions, which on
 * texts are one.
 */

/** Defaults of transformers' Glm4vTextConfig. */
const GLM4V = {
  vocab_size: integer(151_552),
  hidden_size: integer(4096),
  intermediate_size: integer(13_696),
  num_hidden_layers: integer(40),
  num_attention_heads: integer(32),
  num_key_value_heads: orNull(integer, 2),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(32_768),
  rms_norm_eps: number(1e-5),
  tie_word_embeddings: flag(false)
}

/** Defaults of GlmOcrTextConfig, whose model reads `head_dim`, which is no key of the class. */
const GLM_OCR = {
  ...GLM4V,
  vocab_size: integer(59_392),
  hidden_size: integer(1024),
  intermediate_size: integer(4096),
  num_hidden_layers: integer(16),
  num_attention_heads: integer(16),
  num_key_value_heads: integer(8),
  head_dim: beside(integer, 1),
  max_position_embeddings: integer(131_072)
}

/** Defaults of Glm4vMoeTextConfig, whose model reads `head_dim`, which is no key of the class. */
const GLM4V_MOE = {
  ...GLM4_MOE,
  vocab_size: integer(151_424),
  max_position_embeddings: integer(65_536),
  attention_bias: flag(true),
  intermediate_size: integer(10_944),
  head_dim: beside(integer, 1),
  first_k_dense_replace: natural(1)
}

const ROPE: RopeForm = { theta: ['rope_theta', 10_000], share: ['partial_rotary_factor'], partial: true }

/** Pairs of dimensions of each stream where config.json does not say. */
const SECTIONS = [8, 12, 12]

/** GLM-4.1V and GLM-4.6V: q, k and v have biases; heads divide the hidden size. Source: transformers modeling_glm4v. */
export const glm4vText = defineFamily({
  modelTypes: ['glm4v_text'],
  settings(config) {
    const table = readSettings(config, GLM4V)
    const head_dim = equalHeads(config, table.hidden_size, table.num_attention_heads)
    return alikeLayers(config, { ...table, head_dim }, { form: ROPE })
  },
  check: checkStreams,
  build: (settings) => glmLike({ ...settings, attention_bias: true }, 'glm4v_text', true)
})

/** GLM-OCR: no biases. Source: transformers modeling_glm_ocr. */
export const glmOcrText = defineFamily({
  modelTypes: ['glm_ocr_text'],
  settings: (config) => alikeLayers(config, readSettings(config, GLM_OCR), { form: ROPE }),
  check: checkStreams,
  build: (settings) => glmLike({ ...settings, attention_bias: false }, 'glm_ocr_text', true)
})

/** GLM-4.5V: experts, and halves of heads that rotate by halves. Source: transformers modeling_glm4v_moe. */
export const glm4vMoeText = defineFamily({
  modelTypes: ['glm4v_moe_text'],
  settings(config) {
    const settings = readSettings(config, GLM4V_MOE, { num_local_experts: 'n_routed_experts' })
    if (settings.first_k_dense_replace < settings.num_hidden_layers) {
      checkExperts(config, settings, sigmoidGroups(settings))
    }
    return alikeLayers(config, settings, { form: GLM_ROPE })
  },
  check: checkStreams,
  build: (settings) => glm4MoeLike(settings, 'glm4v_moe_text', settings.first_k_dense_replace)
})

function checkStreams(
  { layers }: { readonly layers: readonly LayerAttention[] },
  _: string,
  config: ConfigReader
): void {
  const rotating = layers[0]?.rope?.size ?? 0
  checkSections(config, 2 * Math.ceil(rotating / 2), SECTIONS)
}
