import { badInput } from '../../shared/errors'
import type { Value } from '../graph/graphBuilder'
import { activation } from './activations'
import { defineFamily, type ModelArchitecture } from './architecture'
import { causalAttention } from './attention'
import type { ConfigReader, Json } from './configReader'
import { checkExperts, deepseekExperts, expertSizes, sigmoidGroups } from './deepseekExperts'
import { deriveHeads } from './heads'
import type { LayerBuilder } from './layerBuilder'
import { givenRopes, readOwnRopes } from './layerRopes'
import { type LayerType, layersByType, readLayerTypes, readMlpTypes } from './layerTypes'
import { llamaLike } from './llamaLike'
import { STANDARD_ROPE } from './ropeSettings'
import { project } from './selfAttention'
import { flag, integer, number, orNull, readSettings, texts } from './settings'

/** Defaults of transformers' MiMoV2FlashConfig. */
const TABLE = {
  vocab_size: integer(152_576),
  hidden_size: integer(4096),
  intermediate_size: integer(16_384),
  num_hidden_layers: integer(48),
  num_attention_heads: integer(64),
  num_key_value_heads: integer(4),
  head_dim: integer(192),
  v_head_dim: integer(128),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(131_072),
  rms_norm_eps: number(1e-5),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false),
  // biome-ignore lint/suspicious/noApproximativeNumericConstant: the class has these three digits
  attention_value_scale: orNull(number, 0.707),
  sliding_window: integer(129),
  layer_types: orNull(texts),
  mlp_layer_types: orNull(texts),
  moe_intermediate_size: integer(2048),
  num_experts_per_tok: integer(8),
  n_routed_experts: integer(256),
  routed_scaling_factor: orNull(number, 1),
  n_group: integer(1),
  topk_group: integer(1),
  norm_topk_prob: flag(true)
}

const ALIASES = { num_local_experts: 'n_routed_experts' }

/** The share of a head that its model rotates where positions are not scaled and no key says which. */
const SHARE = 0.334

/** Where a config has none. */
const ROPES = {
  full_attention: { rope_type: 'default', rope_theta: 5_000_000 },
  sliding_attention: { rope_type: 'default', rope_theta: 10_000 }
} as const

/** Layers that see everything where config.json does not list them: the first, and every sixth. */
const PATTERN = 6

/**
 * MiMo-V2-Flash: values of other sizes than queries and keys; layers with a window have sinks, and twice as many heads of keys
 * and values; rotary positions by the type of the layer; experts on all layers but the first, chosen by scores and a bias among
 * those of some groups, without a shared one.
 *
 * Source: transformers modeling_mimo_v2_flash.
 */
export const mimoV2Flash = defineFamily({ modelTypes: ['mimo_v2_flash'], settings: readMimo, build: buildMimo })

function readMimo(config: ConfigReader) {
  const given = readSettings(config, TABLE, ALIASES)
  const { max_position_embeddings: limit, num_attention_heads: heads, num_key_value_heads: keyHeads } = given
  const routed_scaling_factor = given.routed_scaling_factor ?? 1
  deriveHeads(config, given)
  const layer_types = readLayerTypes(config, given, (index) =>
    index === 0 || (index + 1) % PATTERN === 0 ? 'full_attention' : 'sliding_attention'
  )
  if (layer_types.includes('sliding_attention') && heads % (2 * keyHeads) !== 0) {
    const expected = `twice num_key_value_heads ${keyHeads}, of layers with a window, to divide the ${heads} heads`
    throw badInput(`${config.where}: num_attention_heads is ${heads}, expected ${expected}`)
  }
  const mlp_layer_types = readMlpTypes(config, given, (index) => (index === 0 ? 'dense' : 'sparse'))
  if (mlp_layer_types.includes('sparse')) checkExperts(config, given, sigmoidGroups(given))
  // A window that is counted without the query itself, under another name, wins.
  const named = 'sliding_window_size'
  const sliding_window = config.has(named) ? config.integer(named) + 1 : given.sliding_window
  const sizes = new Map(layer_types.map((type) => [type, given.head_dim]))
  const own = givenRopes(config, ROPES)
  const ropes = readOwnRopes(config, { ...own, parameters: withShares(own.parameters) }, sizes, limit, {
    ...STANDARD_ROPE,
    partial: true
  })
  const layers = layersByType(config, layer_types, sliding_window, ropes)
  return { ...given, routed_scaling_factor, layer_types, mlp_layer_types, sliding_window, layers }
}

/** Parameters of types of layers, with the share that is meant where positions are not scaled and there is none. */
const withShares = (parameters: Json): Json =>
  Object.fromEntries(
    Object.entries(parameters).map(([type, given]) => {
      const own = given as Json | null
      const scaled = (own?.rope_type ?? own?.type ?? 'default') !== 'default'
      return [type, typeof own !== 'object' || own === null || scaled ? own : { partial_rotary_factor: SHARE, ...own }]
    })
  )

type MimoSettings = ReturnType<typeof readMimo>

function buildMimo(settings: MimoSettings): ModelArchitecture {
  const { feedForward, note } = deepseekExperts({
    ...expertSizes({ ...settings, n_shared_experts: 0 }),
    sparse: settings.mlp_layer_types.map((type) => type === 'sparse'),
    normed: settings.norm_topk_prob,
    groups: sigmoidGroups(settings),
    quantizedIn4: false
  })
  const model = llamaLike(settings, {
    family: 'mimo_v2_flash',
    inputBias: settings.attention_bias,
    outputBias: false,
    mlpBias: false,
    attention: (layer, n, index) => attention(layer, n, settings, index),
    feedForward
  })
  return {
    ...model,
    ...note,
    fileName: (name) => name.replace(/\.sinks$/, '.attention_sink_bias')
  }
}

/** o(attention(q(n), k(n), a · v(n))), with heads as the type of the layer has them. */
function attention(layer: LayerBuilder, n: Value, settings: MimoSettings, index: number): Value {
  const { hidden_size: hiddenSize, num_attention_heads: heads, head_dim: headDim, v_head_dim: valueDim } = settings
  const slides = (settings.layer_types[index] as LayerType) === 'sliding_attention'
  const keyValueHeads = (slides ? 2 : 1) * settings.num_key_value_heads
  const widths = [heads * headDim, keyValueHeads * headDim, keyValueHeads * valueDim]
  const size = { in: hiddenSize, widths, bias: settings.attention_bias }
  const [q, k, v] = project(layer, n, 'self_attn', ['q_proj', 'k_proj', 'v_proj'], size) as [Value, Value, Value]
  const scaled = layer.graph.scaled(v, settings.attention_value_scale ?? 1)
  const sinks = slides ? layer.parameter('self_attn.sinks', [heads]) : undefined
  const shape = { heads, keyValueHeads, headDim, valueDim, sinks, ...settings.layers[index] }
  const attended = causalAttention(layer, { q, k, v: scaled }, shape)
  return layer.linear('self_attn.o_proj', attended, { in: heads * valueDim, out: hiddenSize, bias: false })
}
