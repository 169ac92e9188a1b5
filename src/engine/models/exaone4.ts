import { activation } from './activations'
import { defineFamily } from './architecture'
import type { ConfigReader } from './configReader'
import { deriveHeads } from './heads'
import { layersByType, readLayerTypes, slidingBut } from './layerTypes'
import { llamaLike } from './llamaLike'
import { readRope, STANDARD_ROPE } from './ropeSettings'
import { flag, integer, number, orNull, readSettings, type Setting, texts } from './settings'

/** Defaults of transformers' Exaone4Config. */
const TABLE = {
  vocab_size: integer(102_400),
  hidden_size: integer(4096),
  intermediate_size: integer(16_384),
  num_hidden_layers: integer(32),
  num_attention_heads: integer(32),
  num_key_value_heads: integer(32),
  head_dim: orNull(integer),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(2048),
  rms_norm_eps: number(1e-5),
  tie_word_embeddings: flag(false),
  sliding_window: orNull(integer, 4096),
  sliding_window_pattern: pattern(4),
  layer_types: orNull(texts)
}

/**
 * EXAONE 4: LLaMA with normed heads and norms after each sublayer; layers with a window rotate, and where there are such
 * the others have no positions.
 *
 * Source: transformers modeling_exaone4.
 */
export const exaone4 = defineFamily({
  modelTypes: ['exaone4'],
  settings: readExaone4,
  build: (settings) =>
    llamaLike(settings, {
      family: 'exaone4',
      inputBias: false,
      outputBias: false,
      mlpBias: false,
      norms: 'after',
      queryKeyNorm: { over: 'head' }
    })
})

function readExaone4(config: ConfigReader) {
  const settings = readSettings(config, TABLE)
  const heads = deriveHeads(config, settings)
  const { max_position_embeddings: limit, sliding_window, layer_types: listed } = settings
  const every = sliding_window === null ? 0 : settings.sliding_window_pattern
  if (listed === null && (typeof every !== 'number' || every === 0)) {
    throw config.complaint(
      'layer_types',
      'a list, where sliding_window and a number as sliding_window_pattern are missing'
    )
  }
  const layer_types = readLayerTypes(config, settings, slidingBut(every as number))
  const rope = readRope(config, STANDARD_ROPE, { headDim: heads.head_dim, limit, layerTypes: layer_types })
  const layers = layersByType(config, layer_types, sliding_window, rope).map((layer) => ({
    ...layer,
    rope: sliding_window === null || layer.window !== null ? layer.rope : null
  }))
  return { ...settings, ...heads, sliding_window_pattern: every, layer_types, layers }
}

/** Every how many layers one sees everything; in words, such as LLLG, only where the layers are listed. */
export function pattern(fallback: number): Setting<number | string | null> {
  return {
    fallback,
    read(config, key) {
      const value = config.raw(key)
      if (value === null || typeof value === 'string') return value
      if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
      throw config.complaint(key, 'a whole number, a text or null')
    }
  }
}
