import { activation } from './activations'
import { defineFamily } from './architecture'
import type { ConfigReader } from './configReader'
import { GRANITE_FACTORS, graniteScales } from './granite'
import { deriveHeads } from './heads'
import { layersByType, readLayerTypes } from './layerTypes'
import { llamaLike } from './llamaLike'
import { type Rope, rotationOf } from './rope'
import { readRope, STANDARD_ROPE } from './ropeSettings'
import { flag, integer, number, orNull, readSettings, type Settings, texts } from './settings'

/** Keys of the windows, with the defaults of transformers' config classes. */
export const GRANITE_WINDOWS = { sliding_window: orNull(integer, 128), layer_types: orNull(texts) }

/** Defaults of transformers' GraniteSWAConfig. */
const TABLE = {
  ...GRANITE_FACTORS,
  ...GRANITE_WINDOWS,
  vocab_size: integer(100_352),
  hidden_size: integer(2560),
  intermediate_size: integer(8192),
  num_hidden_layers: integer(24),
  num_attention_heads: integer(20),
  num_key_value_heads: orNull(integer, 4),
  head_dim: orNull(integer),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(8192),
  rms_norm_eps: number(1e-5),
  tie_word_embeddings: flag(true),
  attention_bias: flag(false),
  mlp_bias: flag(false)
}

/** Layers that see everything where config.json does not list them: every fourth, from the first on. */
const PATTERN = 4

/**
 * Granite with windows: its factors, a sink beside the keys of each head, and a rotary base for each layer, where 0 is no
 * rotation.
 *
 * Source: transformers modeling_granite_swa.
 */
export const graniteSwa = defineFamily({
  modelTypes: ['granite_swa'],
  settings: (config) => graniteWindows(config, readSettings(config, TABLE)),
  build: (settings) =>
    llamaLike(settings, {
      family: 'granite_swa',
      inputBias: settings.attention_bias,
      outputBias: settings.attention_bias,
      mlpBias: settings.mlp_bias,
      sinks: true,
      ...graniteScales(settings)
    })
})

type WindowSettings = Settings<typeof GRANITE_WINDOWS> &
  Pick<Settings<typeof TABLE>, 'hidden_size' | 'num_hidden_layers' | 'num_attention_heads' | 'num_key_value_heads'> &
  Pick<Settings<typeof TABLE>, 'head_dim' | 'max_position_embeddings'>

/** The settings with what follows from them: heads, and each layer's window and rotary base. */
export function graniteWindows<S extends WindowSettings>(config: ConfigReader, settings: S) {
  const heads = deriveHeads(config, settings)
  const typeOf = (index: number) => (index % PATTERN === 0 ? 'full_attention' : 'sliding_attention')
  const layer_types = readLayerTypes(config, settings, typeOf)
  const { max_position_embeddings: limit, sliding_window } = settings
  const rope = readRope(config, STANDARD_ROPE, { headDim: heads.head_dim, limit, layerTypes: layer_types })
  const layer_rope_theta = readBases(config, rope, layer_types.length)
  const layers = layersByType(config, layer_types, sliding_window, rope, { alwaysMasked: true })
  const rotating = layers.map((layer, index) => ({
    ...layer,
    rope: withBase(config, rope, layer_rope_theta[index], limit)
  }))
  return { ...settings, ...heads, layer_types, layer_rope_theta, layers: rotating }
}

/** The base of each layer. */
function readBases(config: ConfigReader, { theta }: Rope, layers: number): number[] {
  const key = 'layer_rope_theta'
  return config.has(key) ? config.numbers(key, layers) : Array(layers).fill(theta)
}

function withBase(config: ConfigReader, rope: Rope, theta: number | undefined, limit: number): Rope | null {
  if (theta === undefined || theta === 0) return null
  const own = { ...rope, theta }
  const { frequencies, magnitude } = rotationOf(own, limit)
  if (Number.isFinite(magnitude) && frequencies.every(Number.isFinite)) return own
  throw config.complaint('layer_rope_theta', 'bases with which the rotary frequencies are finite')
}
