import { activation } from './activations'
import { alikeLayers } from './alikeLayers'
import { defineFamily } from './architecture'
import { deriveHeads } from './heads'
import { readLayerRopes } from './layerRopes'
import { layersByType, readLayerTypes, slidingBut } from './layerTypes'
import { type LlamaLikeOptions, llamaLike } from './llamaLike'
import { bareLayerNorm } from './norms'
import { flag, integer, number, orNull, positive, readSettings, texts } from './settings'

/** Keys that the three generations share, with the defaults of transformers' OlmoConfig. */
const SHARED = {
  vocab_size: integer(50_304),
  hidden_size: integer(4096),
  intermediate_size: integer(11_008),
  num_hidden_layers: integer(32),
  num_attention_heads: integer(32),
  num_key_value_heads: orNull(integer),
  head_dim: orNull(integer),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(2048),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false)
}

const OLMO = { ...SHARED, clip_qkv: orNull(positive) }

/** Defaults of Olmo2Config. */
const OLMO2 = { ...SHARED, rms_norm_eps: number(1e-5) }

/** Defaults of Olmo3Config. */
const OLMO3 = { ...OLMO2, sliding_window: orNull(integer, 4096), layer_types: orNull(texts) }

/** Its layers slide but for every fourth, where config.json does not list them. */
const OLMO3_PATTERN = 4

/** The second reads no key beside its parameters: whoever wrote `rope_theta` meant the full layers, to transformers 5. */
const OLMO3_ROPES = {
  full_attention: { key: 'rope_theta', theta: 500_000 },
  sliding_attention: { theta: 500_000 }
} as const

/** OLMo's norms do not read their ε from the config. */
const OLMO_EPSILON = 1e-5

/** OLMo: LLaMA with layer norms that have no parameters; q, k and v may be clipped. Source: transformers modeling_olmo. */
export const olmo = defineFamily({
  modelTypes: ['olmo'],
  settings: (config) => alikeLayers(config, readSettings(config, OLMO)),
  build: (settings) =>
    llamaLike(
      { ...settings, rms_norm_eps: OLMO_EPSILON },
      { ...olmoBiases(settings), family: 'olmo', norm: bareLayerNorm, clip: settings.clip_qkv }
    )
})

/** OLMo 2: LLaMA with norms after each sublayer, and of q and k over all heads at once. Source: modeling_olmo2. */
export const olmo2 = defineFamily({
  modelTypes: ['olmo2'],
  settings: (config) => alikeLayers(config, readSettings(config, OLMO2)),
  build: (settings) => llamaLike(settings, { ...OLMO_NORMS, ...olmoBiases(settings), family: 'olmo2' })
})

/** OLMo 3: OLMo 2 with windows on most layers, and rotary positions for each type of layer. Source: modeling_olmo3. */
export const olmo3 = defineFamily({
  modelTypes: ['olmo3'],
  settings(config) {
    const settings = readSettings(config, OLMO3)
    const heads = deriveHeads(config, settings)
    const layer_types = readLayerTypes(config, settings, slidingBut(OLMO3_PATTERN))
    const { max_position_embeddings: limit, sliding_window } = settings
    const ropes = readLayerRopes(config, OLMO3_ROPES, { headDim: heads.head_dim, limit })
    return {
      ...settings,
      ...heads,
      layer_types,
      layers: layersByType(config, layer_types, sliding_window, ropes, { alwaysMasked: true })
    }
  },
  build: (settings) => llamaLike(settings, { ...OLMO_NORMS, ...olmoBiases(settings), family: 'olmo3' })
})

/** Norms of OLMo 2 and of those after it. */
export const OLMO_NORMS: Pick<LlamaLikeOptions, 'norms' | 'queryKeyNorm'> = {
  norms: 'after',
  queryKeyNorm: { over: 'width' }
}

export const olmoBiases = ({ attention_bias: bias }: { attention_bias: boolean }) => ({
  inputBias: bias,
  outputBias: bias,
  mlpBias: false
})
