import { activation } from './activations'
import { defineFamily, type ModelArchitecture } from './architecture'
import { ConfigReader } from './configReader'
import { checkDeltaNet, gatedDeltaNet, sixInputs } from './gatedDeltaNet'
import { deriveHeads } from './heads'
import { blocksByType, readLayerTypes } from './layerTypes'
import { llamaLike } from './llamaLike'
import { OLMO_NORMS, olmoBiases } from './olmo'
import { readRope, ropeKey, STANDARD_ROPE } from './ropeSettings'
import { beside, flag, integer, number, orNull, readSettings, type Settings, texts } from './settings'

/** Defaults of transformers' OlmoHybridConfig. */
const TABLE = {
  vocab_size: integer(100_352),
  hidden_size: integer(3840),
  intermediate_size: integer(11_008),
  num_hidden_layers: integer(32),
  num_attention_heads: integer(30),
  num_key_value_heads: orNull(integer),
  head_dim: beside(integer, 1),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(65_536),
  rms_norm_eps: number(1e-6),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false),
  linear_conv_kernel_dim: integer(4),
  linear_key_head_dim: orNull(integer),
  linear_value_head_dim: orNull(integer),
  linear_num_key_heads: orNull(integer),
  linear_num_value_heads: orNull(integer),
  linear_allow_neg_eigval: flag(true),
  layer_types: orNull(texts)
}

const TYPES = ['linear_attention', 'full_attention'] as const

/** One of so many layers sees all tokens where config.json does not say which do, and the last one of fewer layers. */
const FULL_INTERVAL = 4

/** Of the norm behind the delta rule, which does not read it from the config. */
const DELTA_EPSILON = 1e-5

/** What transformers calls norms in files, by their names in its model. Source: conversion_mapping.py. */
const FILED = { input_layernorm: 'attention_layer_norm', post_attention_layernorm: 'feedforward_layer_norm' }

/** Its one convolution is in files as those of q, k and v. */
const [JOINED, ...CUT] = ['conv1d', 'q_conv1d', 'k_conv1d', 'v_conv1d']

/**
 * OLMo Hybrid: OLMo 3's attention, with or without rotary positions, on every fourth layer; gated delta nets on the others,
 * whose norms stand before each sublayer, and whose tokens may write up to twice their value.
 *
 *     linear:  x += mix(norm₁(x));   x += mlp(norm₂(x))
 *     full:    x += norm₁(o(attention(q(x), k(x), v(x))));   x += norm₂(mlp(x))
 *
 * Source: transformers modeling_olmo_hybrid.
 */
export const olmoHybrid = defineFamily({
  modelTypes: ['olmo_hybrid'],
  settings: readOlmoHybrid,
  build: buildOlmoHybrid
})

function readOlmoHybrid(config: ConfigReader) {
  const settings = readSettings(config, TABLE)
  const heads = deriveHeads(config, settings)
  const delta = deltaSizes(config, settings)
  checkDeltaNet(config, delta)
  const { num_hidden_layers: count, max_position_embeddings: limit } = settings
  const typeOf = (index: number) =>
    (index + 1) % FULL_INTERVAL === 0 || (count < FULL_INTERVAL && index === count - 1)
      ? 'full_attention'
      : 'linear_attention'
  const layer_types = readLayerTypes(config, settings, typeOf, TYPES)
  if (TYPES.some((type) => !layer_types.includes(type))) throw config.complaint('layer_types', `${TYPES.join(' and ')}`)
  const rope = rotates(config)
    ? readRope(config, STANDARD_ROPE, { headDim: heads.head_dim, limit, layerTypes: layer_types })
    : null
  const layers = layer_types.map((type) => ({ window: null, rope: type === 'full_attention' ? rope : null }))
  return { ...settings, ...heads, ...delta, layer_types, layers }
}

/** Heads of the delta rule, where the config leaves them open. */
function deltaSizes(config: ConfigReader, settings: Settings<typeof TABLE>) {
  const { num_attention_heads: heads, hidden_size: hiddenSize } = settings
  const linear_num_key_heads = settings.linear_num_key_heads ?? heads
  const keyDim = settings.linear_key_head_dim ?? Math.trunc((0.75 * hiddenSize) / linear_num_key_heads)
  if (keyDim < 1) throw config.complaint('linear_num_key_heads', `fewer than hidden_size ${hiddenSize}`)
  return {
    linear_conv_kernel_dim: settings.linear_conv_kernel_dim,
    linear_num_key_heads,
    linear_num_value_heads: settings.linear_num_value_heads ?? heads,
    linear_key_head_dim: keyDim,
    linear_value_head_dim: settings.linear_value_head_dim ?? 2 * keyDim
  }
}

/** A base of null, as published models have it, is none: heads do not rotate. */
function rotates(config: ConfigReader): boolean {
  const parameters = new ConfigReader(config.plainObject(ropeKey(config)), config.where)
  const theta = [parameters, config].find((each) => each.given('rope_theta'))
  return theta?.raw('rope_theta') !== null
}

function buildOlmoHybrid(settings: ReturnType<typeof readOlmoHybrid>): ModelArchitecture {
  const options = { ...olmoBiases(settings), family: 'olmo_hybrid' }
  const form = {
    project: sixInputs,
    names: ['o_norm', 'o_proj'],
    mostWritten: settings.linear_allow_neg_eigval ? 2 : 1,
    float32Rates: true
  } as const
  const delta = { ...settings, rms_norm_eps: DELTA_EPSILON }
  const full = llamaLike(settings, { ...options, ...OLMO_NORMS })
  const linear = llamaLike(settings, { ...options, attention: (layer, n) => gatedDeltaNet(layer, n, delta, form) })
  return {
    ...full,
    buildBlock: blocksByType(settings.layer_types, full, linear),
    fileName: (name) =>
      Object.entries(FILED).reduce((kept, [own, filed]) => kept.replace(`.${own}.`, `.${filed}.`), name),
    cutInto: (name) =>
      name.includes(`.${JOINED}.`) ? CUT.map((piece) => name.replace(`.${JOINED}.`, `.${piece}.`)) : undefined
  }
}
