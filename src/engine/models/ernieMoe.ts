import type { Value } from '../graph/graphBuilder'
import { activation } from './activations'
import { alikeLayers } from './alikeLayers'
import { defineFamily, type ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { ERNIE_ROPE } from './ernie'
import { checkRouting, gatedExperts, NAMED_AS_EXPERTS } from './experts'
import type { LayerBuilder } from './layerBuilder'
import { llamaLike } from './llamaLike'
import { gatedMlp } from './mlp'
import { addRoutedExperts, expertsNote, sharedExpert } from './routedExperts'
import { beside, flag, integer, natural, number, orNull, readSettings, type Setting } from './settings'

/** The last layer that may have experts: any whole number, −1 for the last of all. */
const lastLayer: Setting<number> = {
  fallback: -1,
  read(config, key) {
    const value = config.raw(key)
    if (!Number.isSafeInteger(value)) throw config.complaint(key, 'a whole number')
    return value as number
  }
}

/** Defaults of transformers' Ernie4_5_MoeConfig. */
const TABLE = {
  vocab_size: integer(103_424),
  hidden_size: integer(2560),
  intermediate_size: integer(12_288),
  num_hidden_layers: integer(28),
  num_attention_heads: integer(20),
  num_key_value_heads: integer(4),
  head_dim: beside(integer, 1),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(131_072),
  rms_norm_eps: number(1e-5),
  tie_word_embeddings: flag(true),
  use_bias: orNull(flag, false),
  moe_intermediate_size: integer(1536),
  moe_k: integer(6),
  moe_num_experts: integer(64),
  moe_num_shared_experts: natural(2),
  moe_layer_start_index: natural(1),
  moe_layer_end_index: lastLayer,
  moe_layer_interval: integer(1),
  moe_norm_min: number(1e-12)
}

const ALIASES = { num_experts: 'moe_num_experts', num_experts_per_tok: 'moe_k' }

/**
 * ERNIE 4.5 with experts: neighbouring dimensions rotate as pairs; experts on some layers, chosen by their probabilities and
 * a bias, and shared ones beside them.
 *
 *     w = the top k of softmax(gate(n)) + b, without b, divided by their sum
 *
 * Source: transformers modeling_ernie4_5_moe.
 */
export const ernieMoe = defineFamily({ modelTypes: ['ernie4_5_moe'], settings: readErnieMoe, build: buildErnieMoe })

function readErnieMoe(config: ConfigReader) {
  const given = readSettings(config, TABLE, ALIASES)
  const last = given.moe_layer_end_index
  const settings = { ...given, moe_layer_end_index: last === -1 ? given.num_hidden_layers - 1 : last }
  const read = alikeLayers(config, settings, { form: ERNIE_ROPE })
  if (sparseLayers(read).includes(true)) checkRouting(config, settings.moe_k, settings.moe_num_experts)
  return read
}

type ErnieMoeSettings = ReturnType<typeof readErnieMoe>

const sparseLayers = (
  settings: Pick<ErnieMoeSettings, 'layers' | `moe_layer_${'start_index' | 'end_index' | 'interval'}`>
): boolean[] => {
  const { moe_layer_start_index: first, moe_layer_end_index: last, moe_layer_interval: every } = settings
  return settings.layers.map((_, index) => (index + 1) % every === 0 && index >= first && index <= last)
}

function buildErnieMoe(settings: ErnieMoeSettings): ModelArchitecture {
  const { hidden_size: hiddenSize, moe_intermediate_size: wide, moe_num_shared_experts: sharedExperts } = settings
  // Of the head too.
  const mlpBias = settings.use_bias === true
  const spec = gatedExperts({
    count: settings.moe_num_experts,
    perToken: settings.moe_k,
    hiddenSize,
    intermediateSize: wide,
    activation: settings.hidden_act,
    float32Router: true,
    names: { router: 'mlp.gate', module: 'mlp.experts', alone: ['gate_proj', 'up_proj', 'down_proj'] }
  })
  const sparse = sparseLayers(settings)
  const shared = { ...settings, intermediate_size: wide * sharedExperts }
  const feedForward = (layer: LayerBuilder, n: Value, index: number): Value | undefined => {
    if (!sparse[index]) return gatedMlp(layer, n, settings, { mlpBias })
    const bias = layer.parameter(BIAS, [1, spec.count], { float32: true })
    addRoutedExperts(layer, n, spec, { scores: 'softmax', normed: true, bias, least: settings.moe_norm_min })
    return sharedExperts === 0 ? undefined : sharedExpert(layer, n, shared, { module: 'mlp.shared_experts', mlpBias })
  }
  const options = { inputBias: mlpBias, outputBias: mlpBias, mlpBias, interleaved: true, feedForward }
  return {
    ...llamaLike(settings, { family: 'ernie4_5_moe', ...options }),
    // In transformers 5 it is a part of the router.
    otherNames: (name) => (name.endsWith(BIAS) ? [name.replace('.mlp.moe_statics.', '.mlp.gate.moe_statics.')] : []),
    ...(mlpBias && { headBias: 'lm_head.bias' }),
    unreached: NAMED_AS_EXPERTS,
    ...(sparse.includes(true) && { experts: expertsNote(spec, 'mlp.experts', { quantizedIn4: true }) })
  }
}

const BIAS = 'mlp.moe_statics.e_score_correction_bias'
