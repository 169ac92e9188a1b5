import { activation } from './activations'
import { defineFamily } from './architecture'
import type { ConfigReader } from './configReader'
import { deriveHeads } from './heads'
import { layersByType, readLayerTypes } from './layerTypes'
import { llamaLike } from './llamaLike'
import { type RopeForm, readRope, STANDARD_ROPE } from './ropeSettings'
import { flag, integer, natural, number, orNull, readSettings, type Settings, texts } from './settings'

/** Defaults of transformers' Qwen2Config. */
export const QWEN2 = {
  vocab_size: integer(151_936),
  hidden_size: integer(4096),
  intermediate_size: integer(22_016),
  num_hidden_layers: integer(32),
  num_attention_heads: integer(32),
  num_key_value_heads: orNull(integer, 32),
  head_dim: orNull(integer),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(32_768),
  rms_norm_eps: number(1e-6),
  tie_word_embeddings: flag(false),
  use_sliding_window: flag(false),
  sliding_window: orNull(integer, 4096),
  max_window_layers: natural(28),
  layer_types: orNull(texts)
}

/** Defaults of Qwen3Config where they differ. */
const QWEN3 = { ...QWEN2, head_dim: integer(128), attention_bias: flag(false) }

/** Qwen 2 and 2.5: LLaMA with biased q, k, v. Source: transformers modeling_qwen2. */
export const qwen2 = defineFamily({
  modelTypes: ['qwen2'],
  settings: (config) => derive(config, readSettings(config, QWEN2)),
  build: (settings) => llamaLike(settings, { family: 'qwen2', inputBias: true, outputBias: false, mlpBias: false })
})

/** Qwen 3: LLaMA with normed heads of q and k. Source: transformers modeling_qwen3. */
export const qwen3 = defineFamily({
  modelTypes: ['qwen3'],
  settings: (config) => derive(config, readSettings(config, QWEN3)),
  build: (settings) =>
    llamaLike(settings, {
      family: 'qwen3',
      inputBias: settings.attention_bias,
      outputBias: settings.attention_bias,
      mlpBias: false,
      queryKeyNorm: { over: 'head' }
    })
})

/** What decides on the layers of these models; a null is accepted where the config class accepts it. */
type LayerSettings = Omit<Settings<typeof QWEN2>, 'use_sliding_window' | 'max_window_layers'> & {
  readonly use_sliding_window: boolean | null
  readonly max_window_layers: number | null
}

/** The window counts only with `use_sliding_window`, and on the layers from `max_window_layers` on. */
export function derive<S extends LayerSettings>(config: ConfigReader, settings: S, form: RopeForm = STANDARD_ROPE) {
  const heads = deriveHeads(config, settings)
  const { max_window_layers: first } = settings
  const sliding_window = settings.use_sliding_window === true ? settings.sliding_window : null
  const layer_types = readLayerTypes(config, settings, (index) => {
    if (sliding_window === null) return 'full_attention'
    if (first === null) throw config.complaint('max_window_layers', 'a whole number, where a window is used')
    return index >= first ? 'sliding_attention' : 'full_attention'
  })
  const shape = { headDim: heads.head_dim, limit: settings.max_position_embeddings, layerTypes: layer_types }
  const rope = readRope(config, form, shape)
  const layers = layersByType(config, layer_types, sliding_window, rope)
  return { ...settings, ...heads, sliding_window, layer_types, layers }
}
