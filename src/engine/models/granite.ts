import { alikeLayers } from './alikeLayers'
import { defineFamily, type ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { LLAMA } from './llama'
import { llamaLike } from './llamaLike'
import { flag, integer, number, orNull, positive, readSettings, type Settings } from './settings'

/** The factors of all Granites. */
export const GRANITE_FACTORS = {
  embedding_multiplier: number(1),
  logits_scaling: positive(1),
  residual_multiplier: number(1),
  attention_multiplier: number(1)
}

/** Defaults of transformers' GraniteConfig: those of LLaMA, and what it adds. */
const TABLE = { ...LLAMA, ...GRANITE_FACTORS }

/** Defaults of GraniteDoclingTextConfig. */
const DOCLING = {
  ...TABLE,
  vocab_size: integer(133_800),
  hidden_size: integer(1024),
  intermediate_size: integer(2048),
  num_hidden_layers: integer(28),
  num_attention_heads: integer(16),
  num_key_value_heads: orNull(integer, 4),
  max_position_embeddings: integer(32_768),
  rms_norm_eps: number(1e-5),
  tie_word_embeddings: flag(true),
  embedding_multiplier: number(12),
  logits_scaling: positive(4),
  residual_multiplier: number(0.263),
  attention_multiplier: number(0.015625)
}

const granite3 = (config: ConfigReader) => alikeLayers(config, readSettings(config, TABLE))

/** What the factors are to blocks of the LLaMA kind. */
export const graniteScales = (settings: Settings<typeof GRANITE_FACTORS>) => ({
  scale: settings.attention_multiplier,
  embeddingScale: settings.embedding_multiplier,
  residualScale: settings.residual_multiplier,
  logitScale: 1 / settings.logits_scaling
})

/**
 * Granite 3: LLaMA with factors of the embedding, the scores (in place of 1 / √d) and what each sublayer adds; logits are
 * divided by `logits_scaling`.
 *
 * Source: transformers modeling_granite.
 */
export const granite = defineFamily({
  modelTypes: ['granite'],
  settings: granite3,
  build: (settings) => graniteLike(settings, 'granite')
})

/** The text model of Granite Docling 2, the same with other defaults. Source: transformers modeling_granite_docling. */
export const graniteDoclingText = defineFamily({
  modelTypes: ['granite_docling_text'],
  settings: (config) => alikeLayers(config, readSettings(config, DOCLING)),
  build: (settings) => graniteLike(settings, 'granite_docling_text')
})

/** The text model of Granite 4 Vision, the same. Source: transformers modeling_granite4_vision. */
export const granite4VisionText = defineFamily({
  modelTypes: ['granite4_vision_text'],
  settings: granite3,
  build: (settings) => graniteLike(settings, 'granite4_vision_text')
})

const graniteLike = (settings: ReturnType<typeof granite3>, family: string): ModelArchitecture =>
  llamaLike(settings, {
    family,
    inputBias: settings.attention_bias,
    outputBias: settings.attention_bias,
    mlpBias: settings.mlp_bias,
    ...graniteScales(settings)
  })
