import { activation } from './activations'
import { defineFamily } from './architecture'
import type { ConfigReader } from './configReader'
import { deriveHeads } from './heads'
import { equalLayers } from './layerTypes'
import { llamaLike } from './llamaLike'
import type { Rope } from './rope'
import { type RopeShape, readRope, ropeKey, STANDARD_ROPE } from './ropeSettings'
import { flag, integer, number, orNull, readSettings } from './settings'

/** Defaults of transformers' HunYuanDenseV1Config. */
export const HUNYUAN = {
  vocab_size: integer(290_943),
  hidden_size: integer(4096),
  intermediate_size: integer(11_008),
  num_hidden_layers: integer(32),
  num_attention_heads: integer(32),
  num_key_value_heads: orNull(integer),
  head_dim: orNull(integer),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(2048),
  rms_norm_eps: number(1e-5),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false)
}

/**
 * HunYuan (dense): LLaMA whose heads of q and k are normed after they were rotated.
 *
 * Source: transformers modeling_hunyuan_v1_dense.
 */
export const hunyuan = defineFamily({
  modelTypes: ['hunyuan_v1_dense'],
  settings(config) {
    const settings = readSettings(config, HUNYUAN)
    const heads = deriveHeads(config, settings)
    const { max_position_embeddings: limit, num_hidden_layers: count } = settings
    const rope = readHunyuanRope(config, { headDim: heads.head_dim, limit })
    return { ...settings, ...heads, layers: equalLayers(config, count, null, rope) }
  },
  build: (settings) =>
    llamaLike(settings, {
      family: 'hunyuan_v1_dense',
      inputBias: settings.attention_bias,
      outputBias: settings.attention_bias,
      mlpBias: false,
      queryKeyNorm: { over: 'head', names: ['query_layernorm', 'key_layernorm'], afterRotation: true }
    })
})

/** `dynamic` with an α is none, but another base for rows of any length: θ α^(d / (d − 2)). */
export function readHunyuanRope(config: ConfigReader, shape: RopeShape): Rope {
  const key = ropeKey(config)
  const parameters = config.object(key)
  const type = parameters.given('rope_type') ? parameters.raw('rope_type') : parameters.raw('type')
  const alpha = type === 'dynamic' && parameters.has('alpha') ? parameters.number('alpha') : 0
  if (alpha === 0) return readRope(config, STANDARD_ROPE, shape)
  const plain = config.with({ [key]: { ...config.plainObject(key), rope_type: 'default' } })
  const rope = readRope(plain, STANDARD_ROPE, shape)
  const theta = rope.theta * alpha ** (shape.headDim / (shape.headDim - 2))
  if (!Number.isFinite(theta) || theta <= 0)
    throw parameters.complaint('alpha', 'a number above 0 that leaves the base finite')
  return { ...rope, theta }
}
