import { badInput } from '../../shared/errors'
import { activation } from './activations'
import { defineFamily, type ModelArchitecture } from './architecture'
import { checkTaps } from './causalConvolution'
import type { ConfigReader } from './configReader'
import { checkExperts, deepseekExperts, expertSizes, sigmoidGroups } from './deepseekExperts'
import { kimiDelta } from './kimiDelta'
import { latentDecoder } from './latentDecoder'
import { blocksByType, readLayerTypes, readMlpTypes } from './layerTypes'
import { llamaLike } from './llamaLike'
import { flag, integer, natural, number, orNull, readKeptNames, type Settings, texts } from './settings'

/** Defaults of transformers' KimiLinearConfig. */
const TABLE = {
  vocab_size: integer(163_840),
  hidden_size: integer(2304),
  intermediate_size: integer(9216),
  num_hidden_layers: integer(27),
  num_attention_heads: integer(32),
  num_key_value_heads: orNull(integer, 32),
  hidden_act: activation('silu'),
  model_max_length: integer(1_048_576),
  rms_norm_eps: number(1e-5),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false),
  q_lora_rank: orNull(integer),
  kv_lora_rank: integer(512),
  qk_nope_head_dim: integer(128),
  qk_rope_head_dim: integer(64),
  v_head_dim: integer(128),
  linear_head_dim: integer(128),
  linear_num_heads: integer(32),
  linear_conv_kernel_dim: integer(4),
  layer_types: orNull(texts),
  mlp_layer_types: orNull(texts),
  moe_intermediate_size: integer(1024),
  num_experts_per_token: integer(8),
  num_experts: integer(256),
  num_shared_experts: integer(1),
  routed_scaling_factor: number(2.446),
  num_expert_group: integer(1),
  topk_group: integer(1),
  moe_renormalize: orNull(flag, true)
}

/** Names that the class declares, and those of published files, which it keeps them under. */
export const KEPT_NAMES = {
  max_position_embeddings: 'model_max_length',
  norm_topk_prob: 'moe_renormalize',
  n_group: 'num_expert_group',
  num_local_experts: 'num_experts',
  num_experts_per_tok: 'num_experts_per_token',
  n_shared_experts: 'num_shared_experts'
}

/** Where published files have the sizes of the delta attention, and which layers have it. */
const DELTA = 'linear_attn_config'

const TYPES = ['linear_attention', 'full_attention'] as const
type LayerType = (typeof TYPES)[number]

/** One of so many layers sees all tokens where config.json does not say which do, but not the first. */
const FULL_INTERVAL = 4

/** What files call the modules of its model. Source: conversion_mapping.py, kimi_linear. */
const FILED = [
  ['.self_attn.forget_gate.', '.self_attn.'],
  ['.mlp.', '.block_sparse_moe.']
] as const

/** Its one convolution. */
const JOINED = '.self_attn.conv1d.'

/** How files that have it as those of q, k and v call these, by what they call the module. */
export const cutConvolution = (module: string) => {
  const pieces = ['q_conv1d', 'k_conv1d', 'v_conv1d'].map((name) => `.${module}.${name}.`)
  return (name: string): string[] | undefined =>
    name.includes(JOINED) ? pieces.map((piece) => name.replace(JOINED, piece)) : undefined
}

/** Its gates are of low rank. */
const GATES = {
  forget: ['forget_gate.f_a_proj', 'forget_gate.f_b_proj'],
  output: ['g_a_proj', 'g_b_proj'],
  rateShape: (heads: number) => [1, 1, heads, 1]
} as const

/**
 * Kimi Linear: Kimi's delta attention on most layers, latent attention without positions on the others; on all layers but the
 * first experts as DeepSeek-V3 has them. Head and embedding are never tied.
 *
 * Source: transformers modeling_kimi_linear.
 */
export const kimiLinear = defineFamily({ modelTypes: ['kimi_linear'], settings: readKimi, build: buildKimi })

function readKimi(config: ConfigReader) {
  const given = { ...readKeptNames(config, TABLE, KEPT_NAMES), ...deltaSizes(config) }
  checkTaps(config, 'linear_conv_kernel_dim', given.linear_conv_kernel_dim)
  const { num_attention_heads: heads, num_key_value_heads: keyValueHeads, num_hidden_layers: count } = given
  if (keyValueHeads !== null && keyValueHeads !== heads) {
    throw badInput(`${config.where}: num_key_value_heads is ${keyValueHeads}, expected ${heads}, the number of heads`)
  }
  const layer_types = readTypes(config, given)
  const dense = config.given('first_k_dense_replace') ? natural(1).read(config, 'first_k_dense_replace') : 1
  const mlp_layer_types = readMlpTypes(config, given, (index) => (index < dense ? 'dense' : 'sparse'))
  const experts = renamedExperts(given)
  if (mlp_layer_types.includes('sparse')) checkExperts(config, experts, sigmoidGroups(experts))
  const layers = Array.from({ length: count }, () => ({ window: null, rope: null }))
  return { ...given, num_key_value_heads: heads, layer_types, mlp_layer_types, layers }
}

interface KeptNames {
  readonly model_max_length: number
  readonly num_experts: number
  readonly num_shared_experts: number
  readonly num_experts_per_token: number
  readonly num_expert_group: number
}

/** What other families call otherwise. */
export const renamedExperts = <S extends KeptNames>(settings: S) => ({
  ...settings,
  max_position_embeddings: settings.model_max_length,
  n_routed_experts: settings.num_experts,
  n_shared_experts: settings.num_shared_experts,
  num_experts_per_tok: settings.num_experts_per_token,
  n_group: settings.num_expert_group
})

/** Sizes that stand under their own key win. */
function deltaSizes(config: ConfigReader): Partial<Settings<typeof TABLE>> {
  if (!config.given(DELTA)) return {}
  const own = config.object(DELTA)
  const sizes = {
    linear_head_dim: 'head_dim',
    linear_num_heads: 'num_heads',
    linear_conv_kernel_dim: 'short_conv_kernel_size'
  }
  const found = Object.entries(sizes).filter(([, key]) => own.given(key))
  return Object.fromEntries(found.map(([name, key]) => [name, own.integer(key)]))
}

/** The types of all layers; published files list the numbers of both kinds, counted from 1. */
function readTypes(config: ConfigReader, settings: Settings<typeof TABLE>): LayerType[] {
  const byIndex = (index: number): LayerType =>
    index > 0 && index % FULL_INTERVAL === 0 ? 'full_attention' : 'linear_attention'
  const own = config.object(DELTA)
  if (settings.layer_types !== null || !own.given('full_attn_layers') || !own.given('kda_layers')) {
    return readLayerTypes(config, settings, byIndex, TYPES)
  }
  const [full, delta] = [own.wholes('full_attn_layers'), own.wholes('kda_layers')]
  const count = settings.num_hidden_layers
  const outside = [...full, ...delta].some((number) => number < 1 || number > count)
  const types = readLayerTypes<LayerType | 'none'>(
    config,
    settings,
    (index) => {
      if (delta.includes(index + 1)) return 'linear_attention'
      return full.includes(index + 1) ? 'full_attention' : 'none'
    },
    TYPES
  )
  if (!outside && !types.includes('none')) return types as LayerType[]
  throw badInput(
    `${config.where}: ${DELTA}: full_attn_layers and kda_layers are not the numbers 1 to ${count} of all layers`
  )
}

function buildKimi(read: ReturnType<typeof readKimi>): ModelArchitecture {
  const settings = {
    ...renamedExperts(read),
    head_dim: read.qk_rope_head_dim,
    tie_word_embeddings: false,
    scoreStretch: 1
  }
  const { feedForward, note } = deepseekExperts({
    ...expertSizes(settings),
    sparse: settings.mlp_layer_types.map((type) => type === 'sparse'),
    normed: settings.moe_renormalize === true,
    groups: sigmoidGroups(settings),
    alone: ['w1', 'w3', 'w2'],
    roundedBias: true,
    quantizedIn4: false
  })
  const options = { family: 'kimi_linear', mlpBias: false, feedForward } as const
  const full = latentDecoder(settings, { ...options, interleaved: false })
  const delta = llamaLike(settings, {
    ...options,
    inputBias: false,
    outputBias: false,
    attention: (layer, n) => kimiDelta(layer, n, settings, GATES)
  })
  return {
    ...full,
    ...note,
    buildBlock: blocksByType(settings.layer_types, full, delta),
    fileName: (name) => FILED.reduce((kept, [own, filed]) => kept.replace(own, filed), name),
    cutInto: cutConvolution('self_attn')
  }
}
