import type { GraphBuilder, Value } from '../graph/graphBuilder'
import { defineFamily, type ModelArchitecture } from './architecture'
import { checkTaps } from './causalConvolution'
import type { ConfigReader } from './configReader'
import { deriveHeads } from './heads'
import { readOwnRopes } from './layerRopes'
import { type LayerType, layersByType, readLayerTypes } from './layerTypes'
import { LFM2_MLP, lfm2Like } from './lfm2'
import { gatedMlp } from './mlp'
import { ropeKey } from './ropeSettings'
import { flag, integer, number, orNull, readSettings, texts } from './settings'

/** Defaults of transformers' Lfm3Config. */
const TABLE = {
  vocab_size: integer(128_000),
  hidden_size: integer(2048),
  intermediate_size: integer(7680),
  num_hidden_layers: integer(24),
  num_attention_heads: integer(16),
  num_key_value_heads: integer(4),
  head_dim: integer(128),
  max_position_embeddings: integer(128_000),
  norm_eps: number(1e-5),
  tie_word_embeddings: flag(true),
  attention_bias: flag(false),
  conv_bias: flag(false),
  conv_L_cache: integer(7),
  sliding_window: orNull(integer, 256),
  layer_types: orNull(texts),
  use_sandwich_norm: flag(true),
  use_attention_gate: flag(true)
}

const ALIASES = { rms_norm_eps: 'norm_eps' }

/** The rotary positions where config.json has none. */
const ROPES = {
  sliding_attention: { rope_type: 'default', rope_theta: 10_000 },
  full_attention: { rope_type: 'proportional', rope_theta: 1_000_000, partial_rotary_factor: 0.5 }
}

/** What files call the gate of the heads, and transformers' model does not. Source: conversion_mapping.py. */
const [GATE, FILED] = ['.self_attn.g_proj.', '.self_attn.gate_proj.']

/** The base of a type whose parameters have none. */
const THETA = 1_000_000

const TYPES = ['conv', 'sliding_attention', 'full_attention'] as const
type Lfm3Type = (typeof TYPES)[number]

/**
 * LFM3: LFM2 with windows on some of the layers that attend, a gate for each of their heads, norms after each sublayer too,
 * and rotary positions for each type of layer.
 *
 *     x += norm₂(out(C · conv(B · y))), (B, C, y) = in(n), or norm₂(o(sigmoid(g(n)) · attention(n))), n = norm₁(x)
 *     x += norm₄(w₂(silu(w₁(n)) · w₃(n))), n = norm₃(x)
 *
 * Source: transformers modeling_lfm3.
 */
export const lfm3 = defineFamily({ modelTypes: ['lfm3'], settings: readLfm3, build: buildLfm3 })

function readLfm3(config: ConfigReader) {
  const settings = readSettings(config, TABLE, ALIASES)
  checkTaps(config, 'conv_L_cache', settings.conv_L_cache)
  const heads = deriveHeads(config, settings)
  const layer_types = readLayerTypes(config, settings, usualType, TYPES)
  const attending = layer_types.filter((type): type is LayerType => type !== 'conv')
  const headDims = new Map(attending.map((type) => [type, heads.head_dim]))
  const ropes = readOwnRopes(config, ropesOf(config), headDims, settings.max_position_embeddings)
  const rotating = layersByType(config, attending, settings.sliding_window, ropes)[Symbol.iterator]()
  const layers = layer_types.map((type) => {
    const layer = type === 'conv' ? undefined : rotating.next().value
    return layer ?? { window: null, rope: null }
  })
  return { ...settings, ...heads, layer_types, layers }
}

function usualType(index: number): Lfm3Type {
  if (index % 4 === 2) return 'full_attention'
  return index % 4 === 0 && index > 0 ? 'sliding_attention' : 'conv'
}

function ropesOf(config: ConfigReader) {
  const key = ropeKey(config)
  return {
    key,
    parameters: config.has(key) ? config.plainObject(key) : ROPES,
    theta: config.given('rope_theta') ? config.raw('rope_theta') : THETA
  }
}

/** A gate for each head: what that one attends to is multiplied by its sigmoid. */
const HEAD_GATE = { name: 'g_proj', perHead: true, of: (graph: GraphBuilder, x: Value) => graph.sigmoid(x) }

function buildLfm3(settings: ReturnType<typeof readLfm3>): ModelArchitecture {
  const { attention_bias: bias, use_attention_gate: gates, use_sandwich_norm: sandwich } = settings
  const model = lfm2Like(settings, {
    family: 'lfm3',
    feedForward: (layer, n) => gatedMlp(layer, n, { ...settings, hidden_act: 'silu' }, LFM2_MLP),
    attention: {
      inputBias: bias,
      outputBias: bias,
      queryKeyNorm: { over: 'head' },
      ...(gates && { gate: HEAD_GATE })
    },
    ...(sandwich && { outerNorms: ['post_operator_norm', 'post_ffn_norm'] as const })
  })
  return { ...model, fileName: (name) => name.replace(GATE, FILED) }
}
