import { badInput } from '../../shared/errors'
import type { Value } from '../graph/graphBuilder'
import { type ActivationName, activation } from './activations'
import { defineFamily, type ModelArchitecture } from './architecture'
import { CarriedStates, type KeysAndValues } from './carriedStates'
import { type DecoderSettings, decoder } from './decoder'
import { besideExperts, checkGemma4Experts, EXPERTS, GEMMA4_EXPERTS, gemma4Experts, ROUTER } from './gemma4Experts'
import { deriveGemma4, LAYER_OVERRIDES, type LayerHeads } from './gemma4Layers'
import type { LayerBuilder } from './layerBuilder'
import type { LayerAttention, LayerType } from './layerTypes'
import { gatedMlp } from './mlp'
import { attendNormed, type NormedAttention, normedKeysAndValues, normedQueries } from './normedAttention'
import { rmsNorm } from './norms'
import { LAYER_EMBEDDINGS, layerInput, layerInputs } from './perLayerInputs'
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
import { sharingLayers } from './sharedLayers'

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
    ...(width > 0 && { secondEmbedding: { name: LAYER_EMBEDDINGS, rows, columns: blocks * width } }),
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
      const attention = attentionOf(settings, index)
      const q = normedQueries(layer, n, attention)
      const one = settings.attention_k_eq_v && type === 'full_attention'
      const kv = takes ? (shared.get(type) as KeysAndValues) : normedKeysAndValues(layer, n, attention, one)
      const attended = norm(layer, attendNormed(layer, { q, ...kv }, attention), 'post_attention_layernorm')
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

const keyWidth = ({ per_layer_config }: Gemma4Settings, index: number): number => {
  const { head_dim, num_key_value_heads } = per_layer_config[index] as LayerHeads
  return head_dim * num_key_value_heads
}

/** Layers that take over keys and values may have twice as wide an MLP. */
function mlp(layer: LayerBuilder, n: Value, settings: Gemma4Settings, takes: boolean): Value {
  const { hidden_activation: hidden_act, intermediate_size, use_double_wide_mlp: double } = settings
  const wide = { ...settings, hidden_act, intermediate_size: intermediate_size * (double && takes ? 2 : 1) }
  return gatedMlp(layer, n, wide, { mlpBias: false })
}

/** Heads and positions of a layer. */
function attentionOf(settings: Gemma4Settings, index: number): NormedAttention {
  const { hidden_size: hiddenSize, num_attention_heads: heads, attention_bias: bias, rms_norm_eps: epsilon } = settings
  const { head_dim: headDim, num_key_value_heads: keyValueHeads } = settings.per_layer_config[index] as LayerHeads
  return { hiddenSize, heads, keyValueHeads, headDim, epsilon, bias, ...(settings.layers[index] as LayerAttention) }
}
