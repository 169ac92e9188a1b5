import type { Value } from '../graph/graphBuilder'
import { activation } from './activations'
import { alikeLayers } from './alikeLayers'
import { defineFamily, type ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { checkRouting } from './experts'
import type { LayerBuilder } from './layerBuilder'
import { llamaLike } from './llamaLike'
import { MIXTRAL_MODULE, mixtralExperts } from './mixtral'
import { type RopeForm, STANDARD_ROPE } from './ropeSettings'
import { addRoutedExperts } from './routedExperts'
import { flag, integer, number, readSettings } from './settings'

/** Defaults of transformers' MiniMaxM2Config. */
const TABLE = {
  vocab_size: integer(200_064),
  hidden_size: integer(3072),
  intermediate_size: integer(1536),
  num_hidden_layers: integer(62),
  num_attention_heads: integer(48),
  num_key_value_heads: integer(8),
  head_dim: integer(128),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(196_608),
  rms_norm_eps: number(1e-6),
  tie_word_embeddings: flag(false),
  num_experts_per_tok: integer(8),
  num_local_experts: integer(256)
}

const ALIASES = { num_experts: 'num_local_experts' }

/**
 * MiniMax M2: norms of q and k over all heads at once, a part of each head rotates; experts on all layers, chosen by their
 * scores and a bias.
 *
 *     x += Σₑ wₑ · w2ₑ(act(w1ₑ(n)) · w3ₑ(n)), w = the top k of sigmoid(gate(n)) + b, without b, by their sum
 *
 * Source: transformers modeling_minimax_m2.
 */
export const minimaxM2 = defineFamily({ modelTypes: ['minimax_m2'], settings: readMinimaxM2, build: buildMinimaxM2 })

function readMinimaxM2(config: ConfigReader) {
  const settings = readSettings(config, TABLE, ALIASES)
  checkRouting(config, settings.num_experts_per_tok, settings.num_local_experts)
  return alikeLayers(config, settings, { form: ropeForm(config, settings.head_dim) })
}

/** Its files give the dimensions that rotate, which count where no share is given, be it null. */
function ropeForm(config: ConfigReader, headDim: number): RopeForm {
  const form = { ...STANDARD_ROPE, theta: ['rope_theta', 5_000_000], partial: true } as const
  if (!config.has('rotary_dim')) return form
  return { ...form, share: ['partial_rotary_factor', config.number('rotary_dim') / headDim], nullIsWhole: true }
}

function buildMinimaxM2(settings: ReturnType<typeof readMinimaxM2>): ModelArchitecture {
  const { spec, stored } = mixtralExperts(settings, { quantizedIn4: false })
  const feedForward = (layer: LayerBuilder, n: Value): undefined => {
    const bias = layer.parameter(`${MIXTRAL_MODULE}.e_score_correction_bias`, [spec.count])
    addRoutedExperts(layer, n, spec, { scores: 'sigmoid', normed: true, bias })
  }
  const model = llamaLike(settings, {
    family: 'minimax_m2',
    inputBias: false,
    outputBias: false,
    mlpBias: false,
    queryKeyNorm: { over: 'width' },
    feedForward
  })
  return { ...model, ...stored }
}
