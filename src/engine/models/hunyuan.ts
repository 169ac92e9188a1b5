import { activation } from './activations'
import { defineFamily, type ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { deriveHeads } from './heads'
import { equalLayers } from './layerTypes'
import { llamaLike } from './llamaLike'
import type { Rope } from './rope'
import { checkSections } from './ropeSections'
import { type RopeShape, readRope, ropeKey, STANDARD_ROPE } from './ropeSettings'
import { flag, integer, number, orNull, readSettings, type Settings } from './settings'

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
  settings: (config) => dense(config, readSettings(config, HUNYUAN)),
  build: (settings) => hunyuanLike(settings, 'hunyuan_v1_dense')
})

/** Defaults of HunYuanVLTextConfig, and how it calls keys otherwise. */
const VL = { ...HUNYUAN, tie_word_embeddings: flag(true) }
const VL_ALIASES = { attention_head_dim: 'head_dim', org_vocab_size: 'vocab_size' }

/** What published files call `dynamic`, and the pairs of dimensions of each stream of positions. */
const [OLD_TYPE, OLD_SECTIONS] = ['xdrope', 'xdrope_section']

/**
 * The text model of HunyuanOCR: the same with streams of positions, which on texts are one.
 *
 * Source: transformers modeling_hunyuan_vl, configuration_hunyuan_vl.
 */
export const hunyuanVlText = defineFamily({
  modelTypes: ['hunyuan_vl_text'],
  settings(config) {
    const own = withoutOldNames(config)
    return dense(own, readSettings(own, VL, VL_ALIASES))
  },
  check({ head_dim }, _, config) {
    // Its model takes no other in its place.
    if (readSettings(config, VL, VL_ALIASES).head_dim === null) throw config.complaint('head_dim', 'a positive integer')
    checkSections(withoutOldNames(config), head_dim, [])
  },
  build: (settings) => hunyuanLike(settings, 'hunyuan_vl_text')
})

/** @throws {AppError} BAD_INPUT where the old name of the streams says something else than the new one */
function withoutOldNames(config: ConfigReader): ConfigReader {
  const key = ropeKey(config)
  const { [OLD_SECTIONS]: old, ...parameters } = config.plainObject(key)
  if (Object.keys(config.plainObject(key)).length === 0) return config
  const stated = parameters.mrope_section ?? old
  if (old != null && String(stated) !== String(old)) {
    throw config.object(key).complaint(OLD_SECTIONS, `the same as mrope_section, or only one of them`)
  }
  const type = parameters.rope_type ?? parameters.type
  const renamed = type === OLD_TYPE ? { rope_type: 'dynamic', type: 'dynamic' } : {}
  return config.with({ [key]: { ...parameters, ...(stated != null && { mrope_section: stated }), ...renamed } })
}

function dense(config: ConfigReader, settings: Settings<typeof HUNYUAN>) {
  const heads = deriveHeads(config, settings)
  const { max_position_embeddings: limit, num_hidden_layers: count } = settings
  const rope = readHunyuanRope(config, { headDim: heads.head_dim, limit })
  return { ...settings, ...heads, layers: equalLayers(config, count, null, rope) }
}

const hunyuanLike = (settings: ReturnType<typeof dense>, family: string): ModelArchitecture =>
  llamaLike(settings, {
    family,
    inputBias: settings.attention_bias,
    outputBias: settings.attention_bias,
    mlpBias: false,
    queryKeyNorm: { over: 'head', names: ['query_layernorm', 'key_layernorm'], afterRotation: true }
  })

/** `dynamic` with an α is none, but another base for rows of any length: θ α^(d / (d − 2)). */
export function readHunyuanRope(config: ConfigReader, shape: RopeShape): Rope {
  const key = ropeKey(config)
  const parameters = config.object(key)
  const type = parameters.given('rope_type') ? parameters.raw('rope_type') : parameters.raw('type')
  const alpha = type === 'dynamic' && parameters.has('alpha') ? parameters.number('alpha') : 0
  if (alpha === 0) return readRope(config, STANDARD_ROPE, shape)
  // Which its config class asks for, and its model does not read.
  parameters.number('factor')
  const plain = config.with({ [key]: { ...config.plainObject(key), rope_type: 'default' } })
  const rope = readRope(plain, STANDARD_ROPE, shape)
  const theta = rope.theta * alpha ** (shape.headDim / (shape.headDim - 2))
  if (!Number.isFinite(theta) || theta <= 0)
    throw parameters.complaint('alpha', 'a number above 0 that leaves the base finite')
  return { ...rope, theta }
}
