import { activation } from './activations'
import { alikeLayers } from './alikeLayers'
import { defineFamily, type ModelArchitecture } from './architecture'
import { type LlamaLikeSettings, llamaLike } from './llamaLike'
import { checkSections } from './ropeSections'
import { STANDARD_ROPE } from './ropeSettings'
import { flag, integer, number, orNull, readSettings } from './settings'

/** Defaults of transformers' Ernie4_5Config. */
const TABLE = {
  vocab_size: integer(103_424),
  hidden_size: integer(1024),
  intermediate_size: integer(3072),
  num_hidden_layers: integer(18),
  num_attention_heads: integer(16),
  num_key_value_heads: orNull(integer, 2),
  head_dim: orNull(integer, 128),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(131_072),
  rms_norm_eps: number(1e-5),
  tie_word_embeddings: flag(true),
  use_bias: orNull(flag, false)
}

export const ERNIE_ROPE = { ...STANDARD_ROPE, theta: ['rope_theta', 500_000] } as const

/** ERNIE 4.5 (dense): LLaMA that rotates neighbours, with one switch for all biases. Source: modeling_ernie4_5. */
export const ernie = defineFamily({
  modelTypes: ['ernie4_5'],
  settings: (config) => alikeLayers(config, readSettings(config, TABLE), { form: ERNIE_ROPE }),
  build: (settings) => ernieLike(settings, { family: 'ernie4_5', interleaved: true })
})

/** Pairs of dimensions of each stream of positions where config.json does not say. */
const SECTIONS = [16, 24, 24]

/**
 * The text model of PaddleOCR-VL: heads rotate by halves, by three streams of positions, which on texts are one.
 *
 * Source: transformers modeling_paddleocr_vl.
 */
export const paddleOcrText = defineFamily({
  modelTypes: ['paddleocr_vl_text'],
  settings(config) {
    const settings = alikeLayers(config, readSettings(config, TABLE), { form: ERNIE_ROPE })
    checkSections(config, settings.head_dim, SECTIONS)
    return settings
  },
  build: (settings) => ernieLike(settings, { family: 'paddleocr_vl_text', interleaved: false })
})

type Ernie = LlamaLikeSettings & { readonly use_bias: boolean | null }

function ernieLike(settings: Ernie, own: { family: string; interleaved: boolean }): ModelArchitecture {
  const bias = settings.use_bias === true
  return llamaLike(settings, { ...own, inputBias: bias, outputBias: bias, mlpBias: bias })
}
