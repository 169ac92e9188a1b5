import type { GraphBuilder, Value } from '../graph/graphBuilder'
import { activation } from './activations'
import { defineFamily, type ModelArchitecture } from './architecture'
import { checkTaps } from './causalConvolution'
import type { ConfigReader } from './configReader'
import { checkExperts, deepseekExperts, expertSizes, sigmoidGroups } from './deepseekExperts'
import { kimiDelta } from './kimiDelta'
import { cutConvolution, KEPT_NAMES, renamedExperts } from './kimiLinear'
import { latentDecoder, latentLayers } from './latentDecoder'
import { blocksByType, readLayerTypes, readMlpTypes } from './layerTypes'
import { llamaLike } from './llamaLike'
import { type RopeForm, STANDARD_ROPE } from './ropeSettings'
import { flag, integer, natural, number, orNull, readKeptNames, type Settings, texts } from './settings'

/** Defaults of transformers' BailingHybridConfig. */
const TABLE = {
  vocab_size: integer(157_184),
  hidden_size: integer(2560),
  intermediate_size: integer(6144),
  num_hidden_layers: integer(42),
  num_attention_heads: integer(32),
  num_key_value_heads: orNull(integer, 32),
  hidden_act: activation('silu'),
  model_max_length: integer(262_144),
  rms_norm_eps: number(1e-6),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false),
  kv_lora_rank: integer(512),
  qk_nope_head_dim: integer(128),
  qk_rope_head_dim: integer(64),
  v_head_dim: integer(128),
  kda_safe_gate: flag(true),
  kda_lower_bound: number(-5),
  short_conv_kernel_size: integer(4),
  layer_group_size: integer(6),
  layer_types: orNull(texts),
  first_k_dense_replace: natural(2),
  mlp_layer_types: orNull(texts),
  moe_intermediate_size: integer(768),
  num_experts_per_token: integer(8),
  num_experts: integer(512),
  num_shared_experts: integer(1),
  routed_scaling_factor: number(2.5),
  num_expert_group: integer(8),
  topk_group: integer(4),
  moe_renormalize: orNull(flag, true)
}

type Table = Settings<typeof TABLE>

const ROPE: RopeForm = { ...STANDARD_ROPE, theta: ['rope_theta', 6_000_000] }

const TYPES = ['linear_attention', 'full_attention'] as const

/** What files call the modules of its model. Source: conversion_mapping.py, bailing_hybrid. */
const FILED = [
  ['model.embed_tokens.', 'model.word_embeddings.'],
  ['.self_attn.forget_gate.', '.self_attn.'],
  ['.self_attn.', '.attention.'],
  ['.mlp.gate.e_score_correction_bias', '.mlp.gate.expert_bias']
] as const

const inFiles = (name: string): string => FILED.reduce((kept, [own, filed]) => kept.replace(own, filed), name)

/** A gate for each head that attends. */
const HEAD_GATE = { name: 'g_proj', perHead: true, of: (graph: GraphBuilder, x: Value) => graph.sigmoid(x) }

/**
 * Ling 3: Kimi's delta attention with gates of one linear each, whose decays are bounded, on most layers; latent attention
 * whose heads are gated on the last one of each group; on all layers but the first ones experts as DeepSeek-V3 has them. Head
 * and embedding are never tied.
 *
 * Source: transformers modeling_bailing_hybrid.
 */
export const bailingHybrid = defineFamily({
  modelTypes: ['bailing_hybrid'],
  settings: readBailing,
  build: buildBailing
})

function readBailing(config: ConfigReader) {
  const table = readKeptNames(config, TABLE, KEPT_NAMES)
  const given = { ...table, ...deltaSizes(config, table) }
  checkTaps(config, 'short_conv_kernel_size', given.linear_conv_kernel_dim)
  const group = given.layer_group_size
  const layer_types = readLayerTypes(
    config,
    given,
    (index) => ((index + 1) % group === 0 ? 'full_attention' : 'linear_attention'),
    TYPES
  )
  const dense = given.first_k_dense_replace
  const mlp_layer_types = readMlpTypes(config, given, (index) => (index < dense ? 'dense' : 'sparse'))
  const experts = renamedExperts(given)
  if (mlp_layer_types.includes('sparse')) checkExperts(config, experts, sigmoidGroups(experts))
  const { layers, ...latent } = latentLayers(config, { ...experts, q_lora_rank: null, layer_types }, ROPE)
  const still = { window: null, rope: null }
  return {
    ...given,
    num_key_value_heads: latent.num_key_value_heads,
    head_dim: latent.head_dim,
    scoreStretch: latent.scoreStretch,
    layer_types,
    mlp_layer_types,
    layers: layers.map((layer, index) => (layer_types[index] === 'full_attention' ? layer : still))
  }
}

/**
 * Sizes of the delta attention. What its class derives of `head_dim` it writes under another name, and reads there; under the
 * name it writes the dimensions that rotate.
 */
function deltaSizes(
  config: ConfigReader,
  {
    num_attention_heads: heads,
    short_conv_kernel_size: taps
  }: Pick<Table, 'num_attention_heads' | 'short_conv_kernel_size'>
) {
  const size = (name: string, usual: number): number => (config.given(name) ? config.integer(name) : usual)
  return {
    linear_head_dim: size('linear_head_dim', config.integer('head_dim', 128)),
    linear_num_heads: size('linear_num_heads', heads),
    linear_conv_kernel_dim: size('linear_conv_kernel_dim', taps)
  }
}

function buildBailing(read: ReturnType<typeof readBailing>): ModelArchitecture {
  const settings = { ...renamedExperts(read), q_lora_rank: null, tie_word_embeddings: false }
  const { feedForward, note } = deepseekExperts({
    ...expertSizes(settings),
    sparse: settings.mlp_layer_types.map((type) => type === 'sparse'),
    normed: settings.moe_renormalize === true,
    groups: sigmoidGroups(settings),
    quantizedIn4: false
  })
  const options = { family: 'bailing_hybrid', mlpBias: false, feedForward } as const
  const gates = {
    forget: ['forget_gate.f_proj'],
    output: ['g_proj'],
    rateShape: (heads: number) => [heads],
    least: settings.kda_safe_gate ? settings.kda_lower_bound : undefined,
    float32: true
  }
  const full = latentDecoder(settings, { ...options, interleaved: true, gate: HEAD_GATE })
  const delta = llamaLike(settings, {
    ...options,
    inputBias: false,
    outputBias: false,
    attention: (layer, n) => kimiDelta(layer, n, settings, gates)
  })
  return {
    ...full,
    ...note,
    buildBlock: blocksByType(settings.layer_types, full, delta),
    fileName: (name) => inFiles(name).replace('.attention.o_proj.', '.attention.dense.'),
    otherNames: (name) => [inFiles(name)],
    cutInto: cutConvolution('attention')
  }
}
