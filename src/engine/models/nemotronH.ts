import type { Value } from '../graph/graphBuilder'
import { activation } from './activations'
import { defineFamily, type ModelArchitecture } from './architecture'
import { checkTaps } from './causalConvolution'
import type { ConfigReader } from './configReader'
import { decoder } from './decoder'
import { checkExperts, sigmoidGroups } from './deepseekExperts'
import { deriveHeads } from './heads'
import type { LayerBuilder } from './layerBuilder'
import { readLayerTypes } from './layerTypes'
import { KEPT_MAMBA, type Mamba2Spec, mamba2 } from './mamba2'
import { plainMlp } from './mlp'
import { mixedExperts, nemotronHExperts } from './nemotronHExperts'
import { rmsNorm } from './norms'
import { expertsNote } from './routedExperts'
import { projectedAttention } from './selfAttention'
import { flag, integer, natural, number, orNull, readSettings, texts } from './settings'

/** Defaults of transformers' NemotronHConfig. */
const TABLE = {
  vocab_size: integer(131_072),
  hidden_size: integer(4096),
  layers_block_type: orNull(texts),
  num_attention_heads: integer(32),
  num_key_value_heads: integer(8),
  head_dim: integer(128),
  max_position_embeddings: integer(4096),
  tie_word_embeddings: flag(false),
  layer_norm_epsilon: number(1e-5),
  intermediate_size: integer(21_504),
  mlp_hidden_act: activation('relu2'),
  mlp_bias: flag(false),
  ssm_state_size: integer(128),
  mamba_num_heads: integer(128),
  mamba_head_dim: integer(64),
  mamba_hidden_act: activation('silu'),
  n_groups: integer(8),
  conv_kernel: integer(4),
  time_step_min: number(0.001),
  use_conv_bias: flag(true),
  use_bias: flag(false),
  n_routed_experts: integer(8),
  num_experts_per_tok: integer(2),
  moe_intermediate_size: integer(7688),
  moe_shared_expert_intermediate_size: natural(7688),
  moe_latent_size: orNull(integer),
  routed_scaling_factor: number(1),
  n_group: integer(1),
  topk_group: integer(1),
  norm_topk_prob: flag(true)
}

const ALIASES = {
  layer_types: 'layers_block_type',
  num_local_experts: 'n_routed_experts',
  mamba_n_groups: 'n_groups',
  mamba_d_conv: 'conv_kernel',
  mamba_dt_min: 'time_step_min',
  mamba_conv_bias: 'use_conv_bias'
}

const [MAMBA, ATTENTION, EXPERTS, MLP] = ['linear_attention', 'full_attention', 'moe', 'mlp'] as const
const TYPES = [MAMBA, ATTENTION, EXPERTS, MLP]
const DEFAULT_TYPES = [MAMBA, EXPERTS, ATTENTION, MLP]

/** Types of layers in a pattern, by their letters. */
const PATTERN = 'hybrid_override_pattern'
const LETTERS = new Map<string, string>([
  ['M', MAMBA],
  ['E', EXPERTS],
  ['*', ATTENTION],
  ['-', MLP]
])

/** What files begin names with. */
const STORED = 'backbone.'

/**
 * Nemotron-H, Nemotron Nano 2 and 3: each layer is one of Mamba-2, attention without positions, an MLP without gate, or experts
 * of such.
 *
 *     x += mix(norm(x))
 *
 * Source: transformers modeling_nemotron_h, whose time steps have a least one and, whatever `time_step_limit` says, no largest.
 */
export const nemotronH = defineFamily({
  modelTypes: ['nemotron_h'],
  settings: readNemotronH,
  check(settings, _where, config) {
    const { n_groups: groups, mamba_num_heads: heads, layers_block_type: types } = settings
    if (types.includes(EXPERTS)) checkExperts(config, settings, sigmoidGroups(settings))
    if (!types.includes(MAMBA)) return
    checkTaps(config, 'conv_kernel', settings.conv_kernel)
    if (heads % groups !== 0) throw config.complaint('n_groups', `a divisor of mamba_num_heads ${heads}`)
  },
  build: buildNemotronH
})

function readNemotronH(config: ConfigReader) {
  const settings = readSettings(config, TABLE, ALIASES)
  // Under this name null is assigned where the config class has long put its default.
  if (config.given('layer_types')) config.strings('layer_types')
  const pattern = config.has('layers_block_type') ? undefined : patternTypes(config)
  const listed = settings.layers_block_type ?? pattern ?? [...DEFAULT_TYPES]
  const count = { num_hidden_layers: listed.length, layer_types: listed }
  const layers_block_type = readLayerTypes<string>(config, count, () => MLP, TYPES)
  return { ...settings, ...deriveHeads(config, settings), layers_block_type }
}

/** The types of layers that a pattern names; undefined without one. */
function patternTypes(config: ConfigReader): string[] | undefined {
  if (!config.given(PATTERN)) return undefined
  const types = [...config.string(PATTERN)].map((letter) => LETTERS.get(letter))
  if (types.every((type) => type !== undefined)) return types
  throw config.complaint(PATTERN, `letters of ${[...LETTERS.keys()].join(' ')}`)
}

function buildNemotronH(read: ReturnType<typeof readNemotronH>): ModelArchitecture {
  const settings = { ...read, layers: read.layers_block_type.map(() => ({ window: null, rope: null })) }
  const { hidden_size: hiddenSize, layer_norm_epsilon: epsilon, layers_block_type: types, mlp_bias: bias } = settings
  const [mamba, experts] = [mambaSpec(settings), nemotronHExperts(settings)]
  const attention = { inputBias: false, outputBias: false, module: 'mixer' }
  const mlp = { ...settings, hidden_act: settings.mlp_hidden_act }
  const mix = (layer: LayerBuilder, n: Value, index: number): Value => {
    const type = types[index]
    if (type === MAMBA) return mamba2(layer, n, mamba)
    if (type === ATTENTION) return projectedAttention(layer, n, index, settings, attention)
    if (type === EXPERTS) return mixedExperts(layer, n, settings, experts)
    return plainMlp(layer, n, mlp, { names: ['mixer.up_proj', 'mixer.down_proj'], bias })
  }
  return decoder(settings, {
    family: 'nemotron_h',
    embedding: 'model.embeddings.weight',
    // Its model ties nothing, whatever the config says.
    tiedHead: false,
    fileName: (name) => name.replace(/^model\./, STORED),
    ...(types.includes(MAMBA) && { kept: KEPT_MAMBA }),
    ...(types.includes(EXPERTS) && { experts: expertsNote(experts, 'mixer.experts', { quantizedIn4: false }) }),
    buildBlock: (layer, x, index) =>
      layer.graph.add(x, mix(layer, rmsNorm(layer, x, 'norm', hiddenSize, epsilon), index)),
    buildFinalNorm: (layer, x) => rmsNorm(layer, x, 'model.norm_f', hiddenSize, epsilon)
  })
}

const mambaSpec = (settings: ReturnType<typeof readNemotronH>): Mamba2Spec => ({
  module: 'mixer',
  hiddenSize: settings.hidden_size,
  heads: settings.mamba_num_heads,
  headDim: settings.mamba_head_dim,
  groups: settings.n_groups,
  stateDim: settings.ssm_state_size,
  taps: settings.conv_kernel,
  convolutionBias: settings.use_conv_bias,
  inputBias: settings.use_bias,
  outputBias: settings.use_bias,
  activation: settings.mamba_hidden_act,
  epsilon: settings.layer_norm_epsilon,
  stepLimits: [settings.time_step_min, null]
})
