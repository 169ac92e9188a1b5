import { badInput } from '../../shared/errors'
import type { Value } from '../graph/graphBuilder'
import { type ActivationName, activate, activation } from './activations'
import { defineFamily, type ModelArchitecture } from './architecture'
import { causalAttention } from './attention'
import { CarriedStates, type KeysAndValues } from './carriedStates'
import { type DecoderSettings, decoder } from './decoder'
import { besideExperts, checkGemma4Experts, EXPERTS, GEMMA4_EXPERTS, gemma4Experts, ROUTER } from './gemma4Experts'
import { deriveGemma4, LAYER_OVERRIDES, type LayerHeads, sharingLayers } from './gemma4Layers'
import type { LayerBuilder } from './layerBuilder'
import type { LayerType } from './layerTypes'
import { gatedMlp } from './mlp'
import { bareRmsNorm, rmsNorm } from './norms'
import { expertsNote } from './routedExperts'
import {
  flag,
  integer,
  natural,
  number,
  onlyCausal,
  orNull,
  positive,
  readSettings,
  type Settings,
  texts
} from './settings'

/** Keys of both kinds, with the defaults of transformers' Gemma4TextConfig. */
const SHARED = {
  vocab_size: integer(262_144),
  hidden_size: integer(2304),
  intermediate_size: integer(9216),
  num_hidden_layers: integer(30),
  num_attention_heads: integer(8),
  num_key_value_heads: integer(4),
  head_dim: integer(256),
  hidden_activation: activation('gelu_pytorch_tanh'),
  max_position_embeddings: integer(131_072),
  rms_norm_eps: number(1e-6),
  tie_word_embeddings: flag(true),
  attention_bias: flag(false),
  sliding_window: integer(512),
  layer_types: orNull(texts),
  final_logit_softcapping: orNull(positive),
  attention_k_eq_v: flag(false),
  num_kv_shared_layers: natural(0),
  use_double_wide_mlp: flag(false),
  per_layer_config: LAYER_OVERRIDES
}

const GEMMA4 = {
  ...SHARED,
  // "vision" leaves the mask of texts causal.
  use_bidirectional_attention: onlyCausal(null, 'vision'),
  vocab_size_per_layer_input: integer(262_144),
  hidden_size_per_layer_input: natural(256),
  ...GEMMA4_EXPERTS
}

/** Defaults of Gemma4UnifiedTextConfig where they differ. */
const UNIFIED = {
  ...SHARED,
  max_position_embeddings: integer(262_144),
  sliding_window: integer(1024),
  use_bidirectional_attention: onlyCausal('vision', null)
}

/**
 * Gemma 4: norms before and after each sublayer; normed queries, keys and values, whose scores have no factor; heads of
 * another size on layers that see everything; an embedding for each layer; layers that take over keys and values; experts
 * beside the MLP.
 *
 *     x += norm(o(attention(q(n), k(n), v(n)))), n = norm(x);   x += norm(down(act(gate(n)) · up(n))), n = norm(x);
 *     x += norm(projection(act(gate(x)) · e));   x *= s
 *
 * Source: transformers modeling_gemma4.
 */
export const gemma4 = defineFamily({
  modelTypes: ['gemma4_text'],
  settings: (config) => deriveGemma4(config, readSettings(config, GEMMA4)),
  check: checkGemma4,
  build: (settings) => gemma4Like(settings, 'gemma4_text')
})

function checkGemma4(settings: Settings<typeof GEMMA4>, where: string): void {
  const { hidden_size_per_layer_input: width, num_kv_shared_layers: shared } = settings
  const { vocab_size: tokens, vocab_size_per_layer_input: rows } = settings
  checkGemma4Experts(settings, where)
  if (width === 0 && shared > 0) {
    const found = `num_kv_shared_layers is ${shared} and hidden_size_per_layer_input 0`
    throw badInput(`${where}: ${found}, with which transformers fails`)
  }
  if (width > 0 && rows < tokens) {
    throw badInput(`${where}: vocab_size_per_layer_input is ${rows}, expected at least vocab_size ${tokens}`)
  }
}

/** The same without embeddings for each layer and without experts. Source: transformers modeling_gemma4_unified. */
export const gemma4Unified = defineFamily({
  modelTypes: ['gemma4_unified_text'],
  settings: (config) => deriveGemma4(config, readSettings(config, UNIFIED)),
  build: (settings) => gemma4Like(settings, 'gemma4_unified_text')
})

interface Gemma4Settings extends DecoderSettings {
  readonly intermediate_size: number
  readonly num_hidden_layers: number
  readonly num_attention_heads: number
  readonly hidden_activation: ActivationName
  readonly rms_norm_eps: number
  readonly attention_bias: boolean
  readonly layer_types: readonly LayerType[]
  readonly final_logit_softcapping: number | null
  readonly attention_k_eq_v: boolean
  readonly num_kv_shared_layers: number
  readonly use_double_wide_mlp: boolean
  readonly vocab_size_per_layer_input?: number
  readonly hidden_size_per_layer_input?: number
  readonly enable_moe_block?: boolean
  readonly num_experts?: number | null
  readonly top_k_experts?: number | null
  readonly moe_intermediate_size?: number | null
  /** Of each layer. */
  readonly per_layer_config: readonly LayerHeads[]
}

function gemma4Like(settings: Gemma4Settings, family: string): ModelArchitecture {
  const { hidden_size: hiddenSize, rms_norm_eps: epsilon, num_hidden_layers: blocks, layer_types: types } = settings
  const { hidden_size_per_layer_input: width = 0, vocab_size_per_layer_input: rows = 0 } = settings
  const givers = sharingLayers(types, settings.num_kv_shared_layers)
  const widths = new Map([...givers].map(([type, giver]) => [type as string, keyWidth(settings, giver)]))
  const states = new CarriedStates({ hiddenSize, blocks, inputSize: width, shared: widths })
  const norm = (layer: LayerBuilder, x: Value, name: string) => rmsNorm(layer, x, name, hiddenSize, epsilon)
  const experts = gemma4Experts(settings)
  const model = decoder(settings, {
    family,
    carriedSize: states.carriedSize,
    ...(width > 0 && { secondEmbedding: { name: SECOND, rows, columns: blocks * width } }),
    logitSoftcap: settings.final_logit_softcapping ?? undefined,
    buildEmbedding(layer, embedded, second) {
      const x = layer.graph.mul(embedded, layer.graph.scalar(Math.sqrt(hiddenSize)))
      return states.first(layer.graph, x, second && layerInputs(layer, x, second, settings, width))
    },
    buildBlock(layer, state, index) {
      const { graph } = layer
      const { hidden: x, inputs, shared } = states.read(graph, state)
      const type = types[index] as LayerType
      const takes = index >= blocks - settings.num_kv_shared_layers
      const n = norm(layer, x, 'input_layernorm')
      const q = headNorm(layer, projected(layer, n, 'q_proj', index, settings), 'q_norm', index, settings)
      const kv = takes ? (shared.get(type) as KeysAndValues) : keysAndValues(layer, n, index, settings)
      const attended = norm(layer, attention(layer, { q, ...kv }, index, settings), 'post_attention_layernorm')
      const middle = graph.add(x, attended)
      const alone = mlp(layer, norm(layer, middle, 'pre_feedforward_layernorm'), settings, takes)
      const fed = experts === undefined ? alone : besideExperts(layer, alone, middle, experts, settings)
      const next = graph.add(middle, norm(layer, fed, 'post_feedforward_layernorm'))
      const input = inputs[0] === undefined ? undefined : layerInput(layer, next, inputs[0], settings, width)
      const whole = input === undefined ? next : graph.add(next, norm(layer, input, 'post_per_layer_input_norm'))
      const hidden = graph.mul(whole, layer.parameter('layer_scalar', [1]))
      const given = givers.get(type) === index ? new Map(shared).set(type, kv) : shared
      return states.write(graph, { hidden, inputs, shared: given })
    },
    buildFinalNorm: (layer, state) => norm(layer, states.read(layer.graph, state).hidden, 'model.norm')
  })
  if (experts === undefined) return model
  return { ...model, experts: expertsNote(experts, EXPERTS, { quantizedIn4: false, quantizedRouter: ROUTER }) }
}

/** The table of all layers' embeddings. */
const SECOND = 'model.embed_tokens_per_layer.weight'

const keyWidth = ({ per_layer_config }: Gemma4Settings, index: number): number => {
  const { head_dim, num_key_value_heads } = per_layer_config[index] as LayerHeads
  return head_dim * num_key_value_heads
}

/** What the layers are given, [tokens, layers · width]: (norm(projection(x) / √hidden) + e · √width) / √2. */
function layerInputs(layer: LayerBuilder, x: Value, e: Value, settings: Gemma4Settings, width: number): Value {
  const { hidden_size: hiddenSize, num_hidden_layers: count, rms_norm_eps: epsilon } = settings
  const { graph } = layer
  const linear = layer.project('model.per_layer_model_projection.weight', x, hiddenSize, count * width)
  const scaled = graph.reshape(graph.mul(linear, graph.scalar(hiddenSize ** -0.5)), [-1, count, width])
  const normed = rmsNorm(layer, scaled, 'model.per_layer_projection_norm', width, epsilon)
  const own = graph.mul(e, graph.scalar(Math.sqrt(width)))
  return graph.mul(graph.add(graph.reshape(normed, [-1, count * width]), own), graph.scalar(Math.SQRT1_2))
}

/** projection(act(gate(x)) · e). */
function layerInput(layer: LayerBuilder, x: Value, e: Value, settings: Gemma4Settings, width: number): Value {
  const { hidden_size: hiddenSize, hidden_activation } = settings
  const gate = layer.linear('per_layer_input_gate', x, { in: hiddenSize, out: width, bias: false })
  const gated = layer.graph.mul(activate(layer.graph, hidden_activation, gate), e)
  return layer.linear('per_layer_projection', gated, { in: width, out: hiddenSize, bias: false })
}

/** Layers that take over keys and values may have twice as wide an MLP. */
function mlp(layer: LayerBuilder, n: Value, settings: Gemma4Settings, takes: boolean): Value {
  const { hidden_activation: hidden_act, intermediate_size, use_double_wide_mlp: double } = settings
  const wide = { ...settings, hidden_act, intermediate_size: intermediate_size * (double && takes ? 2 : 1) }
  return gatedMlp(layer, n, wide, { mlpBias: false })
}

type Projection = 'q_proj' | 'k_proj' | 'v_proj'

function projected(layer: LayerBuilder, n: Value, name: Projection, index: number, settings: Gemma4Settings): Value {
  const { head_dim, num_key_value_heads } = settings.per_layer_config[index] as LayerHeads
  const out = head_dim * (name === 'q_proj' ? settings.num_attention_heads : num_key_value_heads)
  return layer.linear(`self_attn.${name}`, n, { in: settings.hidden_size, out, bias: settings.attention_bias })
}

/** Heads [tokens, heads · d], each normed; without a name, by no weight. */
function headNorm(layer: LayerBuilder, x: Value, name: string, index: number, settings: Gemma4Settings): Value {
  const { head_dim: size } = settings.per_layer_config[index] as LayerHeads
  const { rms_norm_eps: epsilon } = settings
  const heads = layer.graph.reshape(x, [0, -1, size])
  const normed =
    name === '' ? bareRmsNorm(layer, heads, epsilon) : rmsNorm(layer, heads, `self_attn.${name}`, size, epsilon)
  return layer.graph.reshape(normed, [0, -1])
}

/** Of full layers with `attention_k_eq_v`, values are what keys are before their norm. */
function keysAndValues(layer: LayerBuilder, n: Value, index: number, settings: Gemma4Settings): KeysAndValues {
  const one = settings.attention_k_eq_v && settings.layer_types[index] === 'full_attention'
  const k = projected(layer, n, 'k_proj', index, settings)
  const v = one ? k : projected(layer, n, 'v_proj', index, settings)
  return { k: headNorm(layer, k, 'k_norm', index, settings), v: headNorm(layer, v, '', index, settings) }
}

function attention(
  layer: LayerBuilder,
  qkv: KeysAndValues & { readonly q: Value },
  index: number,
  settings: Gemma4Settings
): Value {
  const { hidden_size: out, num_attention_heads: heads, attention_bias: bias } = settings
  const { head_dim: headDim, num_key_value_heads: keyValueHeads } = settings.per_layer_config[index] as LayerHeads
  const attended = causalAttention(layer, qkv, { heads, keyValueHeads, headDim, scale: 1, ...settings.layers[index] })
  return layer.linear('self_attn.o_proj', attended, { in: heads * headDim, out, bias })
}
