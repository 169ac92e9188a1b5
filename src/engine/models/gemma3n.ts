import { badInput } from '../../shared/errors'
import type { Value } from '../graph/graphBuilder'
import { activation } from './activations'
import { addedBehindFirst, altUp, firstStreams, KEPT_ALTUP, mergedStreams, type Streams } from './altUp'
import { defineFamily, type ModelArchitecture } from './architecture'
import { CarriedStates, type KeysAndValues } from './carriedStates'
import type { ConfigReader } from './configReader'
import { type DecoderSettings, decoder } from './decoder'
import { gaussianTopK, hasQuantile } from './gaussianTopK'
import { GEMMA_ROPES } from './gemma'
import { deriveHeads } from './heads'
import type { LayerBuilder } from './layerBuilder'
import { readLayerRopes } from './layerRopes'
import { type LayerAttention, type LayerType, layersByType, readLayerTypes, slidingBut } from './layerTypes'
import { gatedMlp } from './mlp'
import { attendNormed, type NormedAttention, normedKeysAndValues, normedQueries } from './normedAttention'
import { rmsNorm } from './norms'
import { LAYER_EMBEDDINGS, layerInput, layerInputs } from './perLayerInputs'
import {
  flag,
  integer,
  natural,
  number,
  orNull,
  positive,
  readSettings,
  type Setting,
  type Settings,
  texts
} from './settings'
import { checkShared, sharingLayers } from './sharedLayers'

/** One width for all layers, or one for each. */
const WIDTHS: Setting<number | readonly number[]> = {
  fallback: 16_384,
  read: (config, key) => (Array.isArray(config.raw(key)) ? config.wholes(key) : config.integer(key))
}

/** A list, whose length is checked with the layers. */
const SHARES: Setting<unknown> = { fallback: null, read: (config, key) => config.raw(key) }

/** Defaults of transformers' Gemma3nTextConfig. */
const GEMMA3N = {
  vocab_size: integer(262_400),
  vocab_size_per_layer_input: integer(262_144),
  hidden_size: integer(2048),
  hidden_size_per_layer_input: integer(256),
  intermediate_size: WIDTHS,
  num_hidden_layers: integer(35),
  num_attention_heads: integer(8),
  num_key_value_heads: integer(2),
  head_dim: integer(256),
  hidden_activation: activation('gelu_pytorch_tanh'),
  max_position_embeddings: integer(32_768),
  rms_norm_eps: number(1e-6),
  tie_word_embeddings: flag(true),
  attention_bias: flag(false),
  sliding_window: integer(512),
  layer_types: orNull(texts),
  final_logit_softcapping: positive(30),
  altup_active_idx: natural(0),
  altup_coef_clip: number(120),
  altup_correct_scale: flag(true),
  altup_num_inputs: integer(4),
  num_kv_shared_layers: natural(15),
  laurel_rank: integer(64),
  activation_sparsity_pattern: SHARES
}

/** Layers that slide where config.json does not list them: all but every so many. */
const PATTERN = 5

/** Where config.json does not say: in models of more layers than these, they let so many of the values of gates pass. */
const SPARSE = { layers: 10, share: 0.95 } as const

/**
 * Gemma 3n: several streams of hidden states, of which each block computes with one (AltUp); a branch of low rank beside the
 * attention (LAuReL); gates of which the largest values pass; an embedding for each layer; layers that take over keys and
 * values.
 *
 *     p = x + R x;   n = norm(pₐ);   l = n + norm(right(left(n)));
 *     m = (pₐ + norm(o(attention(n))) + l) / √2;   y = m + norm(down(act(top(gate(n′))) · up(n′))), n′ = norm(m);
 *     c = p + (y − pₐ) r;   c₁… += norm(projection(act(gate(s · cₐ)) · e))
 *
 * Source: transformers modeling_gemma3n.
 */
export const gemma3n = defineFamily({
  modelTypes: ['gemma3n_text'],
  settings: (config) => derive(config, readSettings(config, GEMMA3N)),
  check,
  build
})

function derive(config: ConfigReader, settings: Settings<typeof GEMMA3N>) {
  const { head_dim: headDim, max_position_embeddings: limit, sliding_window, num_hidden_layers: count } = settings
  const { hidden_size: hidden, num_attention_heads: heads } = settings
  if (hidden % heads !== 0) throw config.complaint('num_attention_heads', `a divisor of hidden_size ${hidden}`)
  const layer_types = readLayerTypes(config, settings, slidingBut(PATTERN))
  const keys = deriveHeads(config, settings)
  const layers = layersByType(
    config,
    layer_types,
    sliding_window,
    readLayerRopes(config, GEMMA_ROPES, { headDim, limit })
  )
  checkShared(config, settings, layer_types)
  return {
    ...settings,
    ...keys,
    layer_types,
    layers,
    intermediate_size: widths(config, settings.intermediate_size, count),
    activation_sparsity_pattern: shares(config, settings.activation_sparsity_pattern, count)
  }
}

function widths(config: ConfigReader, given: number | readonly number[], count: number): readonly number[] {
  if (typeof given === 'number') return Array(count).fill(given)
  if (given.length === count && given.every((width) => width > 0)) return given
  throw config.complaint('intermediate_size', `a positive integer, or one for each of ${count} layers`)
}

function shares(config: ConfigReader, given: unknown, count: number): readonly number[] {
  const { layers, share } = SPARSE
  if (given === null) return Array.from({ length: count }, (_, i) => (count > layers && i < layers ? share : 0))
  const fits = (value: unknown) => value === 0 || (typeof value === 'number' && value > 0 && hasQuantile(value))
  if (Array.isArray(given) && given.length === count && given.every(fits)) return given
  throw config.complaint('activation_sparsity_pattern', `null, or a share below 1 for each of ${count} layers`)
}

type Gemma3nSettings = ReturnType<typeof derive>

function check(settings: Gemma3nSettings, where: string): void {
  const { altup_num_inputs: streams, altup_active_idx: active } = settings
  if (streams < 2) throw badInput(`${where}: altup_num_inputs is ${streams}, expected at least 2`)
  if (active >= streams) {
    throw badInput(`${where}: altup_active_idx is ${active}, expected less than altup_num_inputs ${streams}`)
  }
}

function build(settings: Gemma3nSettings): ModelArchitecture {
  const { hidden_size: hiddenSize, rms_norm_eps: epsilon, num_hidden_layers: blocks, layer_types: types } = settings
  const { hidden_size_per_layer_input: width, vocab_size_per_layer_input: rows } = settings
  const streams: Streams = {
    count: settings.altup_num_inputs,
    active: settings.altup_active_idx,
    hiddenSize,
    epsilon
  }
  const givers = sharingLayers(types, settings.num_kv_shared_layers)
  const keyWidth = settings.head_dim * settings.num_key_value_heads
  const states = new CarriedStates({
    hiddenSize: streams.count * hiddenSize,
    blocks,
    inputSize: width,
    shared: new Map([...givers.keys()].map((type) => [type as string, keyWidth]))
  })
  const norm = (layer: LayerBuilder, x: Value, name: string) => rmsNorm(layer, x, name, hiddenSize, epsilon)
  return decoder(settings as DecoderSettings, {
    family: 'gemma3n_text',
    carriedSize: (streams.count - 1) * hiddenSize + states.carriedSize,
    secondEmbedding: { name: LAYER_EMBEDDINGS, rows, columns: blocks * width, rowBeyond: 0 },
    logitSoftcap: settings.final_logit_softcapping,
    kept: KEPT_ALTUP,
    buildEmbedding(layer, embedded, second) {
      const x = layer.graph.mul(embedded, layer.graph.scalar(Math.sqrt(hiddenSize)))
      const inputs = layerInputs(layer, x, second as Value, settings, width)
      return states.first(layer.graph, firstStreams(layer, x, streams), inputs)
    },
    buildBlock(layer, state, index) {
      const { graph } = layer
      const { hidden, inputs, shared } = states.read(graph, state)
      const type = types[index] as LayerType
      const alternating = altUp(layer, streams)
      const predictions = alternating.predict(hidden)
      const x = alternating.active(predictions)
      const n = norm(layer, x, 'input_layernorm')
      const beside = laurel(layer, n, settings)
      const attention = attentionOf(settings, index)
      const q = normedQueries(layer, n, attention)
      const takes = index >= blocks - settings.num_kv_shared_layers
      const kv = takes ? (shared.get(type) as KeysAndValues) : normedKeysAndValues(layer, n, attention)
      const attended = norm(layer, attendNormed(layer, { q, ...kv }, attention), 'post_attention_layernorm')
      const middle = graph.mul(graph.add(graph.add(x, attended), beside), graph.scalar(Math.SQRT1_2))
      const fed = mlp(layer, norm(layer, middle, 'pre_feedforward_layernorm'), settings, index)
      const computed = graph.add(middle, norm(layer, fed, 'post_feedforward_layernorm'))
      const corrected = alternating.correct(predictions, computed)
      const scale = layer.parameter('altup.correct_output_scale', [hiddenSize])
      const own = alternating.active(corrected)
      const first = settings.altup_correct_scale ? graph.mul(own, scale) : own
      const input = layerInput(layer, first, inputs[0] as Value, settings, width)
      const added = norm(layer, input, 'post_per_layer_input_norm')
      const given = givers.get(type) === index ? new Map(shared).set(type, kv) : shared
      return states.write(graph, {
        hidden: addedBehindFirst(graph, corrected, added, streams),
        inputs,
        shared: given
      })
    },
    buildFinalNorm(layer, state) {
      const { hidden } = states.read(layer.graph, state)
      return norm(layer, mergedStreams(layer, hidden, streams), 'model.norm')
    }
  })
}

/** n + norm(right(left(n))). */
function laurel(layer: LayerBuilder, n: Value, settings: Gemma3nSettings): Value {
  const { hidden_size: hiddenSize, laurel_rank: rank, rms_norm_eps: epsilon } = settings
  const left = layer.linear('laurel.linear_left', n, { in: hiddenSize, out: rank, bias: false })
  const right = layer.linear('laurel.linear_right', left, { in: rank, out: hiddenSize, bias: false })
  return layer.graph.add(n, rmsNorm(layer, right, 'laurel.post_laurel_norm', hiddenSize, epsilon))
}

/** Of some layers only the largest values of the gate pass. */
function mlp(layer: LayerBuilder, n: Value, settings: Gemma3nSettings, index: number): Value {
  const { hidden_size, hidden_activation: hidden_act } = settings
  const share = settings.activation_sparsity_pattern[index] as number
  const shape = { hidden_size, intermediate_size: settings.intermediate_size[index] as number, hidden_act }
  const sieve = (gate: Value): Value => gaussianTopK(layer.graph, gate, share)
  return gatedMlp(layer, n, shape, { mlpBias: false, ...(share > 0 && { sieve }) })
}

function attentionOf(settings: Gemma3nSettings, index: number): NormedAttention {
  const { hidden_size: hiddenSize, num_attention_heads: heads, attention_bias: bias, rms_norm_eps: epsilon } = settings
  const { head_dim: headDim, num_key_value_heads: keyValueHeads } = settings
  return { hiddenSize, heads, keyValueHeads, headDim, epsilon, bias, ...(settings.layers[index] as LayerAttention) }
}
