import { activation } from './activations'
import { alikeLayers } from './alikeLayers'
import { defineFamily, type ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { deepseekExperts, MLP_BIAS, typedSizes } from './deepseekExperts'
import { checkRouting } from './experts'
import { readMlpTypes } from './layerTypes'
import { llamaLike } from './llamaLike'
import { STANDARD_ROPE } from './ropeSettings'
import { flag, integer, number, orNull, readSettings, texts } from './settings'

/** Defaults of transformers' HYV3Config. */
const TABLE = {
  vocab_size: integer(120_832),
  hidden_size: integer(4096),
  intermediate_size: integer(13_312),
  num_hidden_layers: integer(80),
  num_attention_heads: integer(64),
  num_key_value_heads: integer(8),
  head_dim: integer(128),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(131_072),
  rms_norm_eps: number(1e-5),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false),
  mlp_bias: flag(false),
  num_experts: integer(192),
  num_experts_per_tok: integer(8),
  num_shared_experts: integer(1),
  moe_intermediate_size: integer(1536),
  router_scaling_factor: number(2.826),
  mlp_layer_types: orNull(texts)
}

const ALIASES = { num_local_experts: 'num_experts' }
const ROPE = { ...STANDARD_ROPE, theta: ['rope_theta', 11_158_840] } as const

/** What files call parts of its MLP. Source: transformers conversion_mapping.py. */
const FILED = [
  ['.mlp.gate.', '.mlp.router.gate.'],
  [`.${MLP_BIAS}`, '.mlp.expert_bias'],
  ['.mlp.shared_experts.', '.mlp.shared_mlp.']
] as const

/**
 * HY 3 (Hunyuan): normed heads; on all layers but the first experts, chosen by their scores and a bias, and shared ones.
 *
 *     w = a · the top k of sigmoid(gate(n)) + b, without b, by their sum
 *
 * Source: transformers modeling_hy_v3.
 */
export const hyV3 = defineFamily({ modelTypes: ['hy_v3'], settings: readHyV3, build: buildHyV3 })

function readHyV3(config: ConfigReader) {
  const settings = readSettings(config, TABLE, ALIASES)
  const mlp_layer_types = readMlpTypes(config, settings, (index) => (index === 0 ? 'dense' : 'sparse'))
  if (mlp_layer_types.includes('sparse')) checkRouting(config, settings.num_experts_per_tok, settings.num_experts)
  return { ...alikeLayers(config, settings, { form: ROPE }), mlp_layer_types }
}

function buildHyV3(settings: ReturnType<typeof readHyV3>): ModelArchitecture {
  const { attention_bias: bias, mlp_bias: mlpBias } = settings
  const { feedForward, note } = deepseekExperts({
    ...settings,
    ...typedSizes(settings),
    normed: true,
    scale: settings.router_scaling_factor,
    mlpBias,
    quantizedIn4: false
  })
  const model = llamaLike(settings, {
    family: 'hy_v3',
    inputBias: bias,
    outputBias: bias,
    mlpBias,
    queryKeyNorm: { over: 'head' },
    feedForward
  })
  return {
    ...model,
    ...note,
    fileName: (name) => FILED.reduce((kept, [own, filed]) => kept.replace(own, filed), name)
  }
}
