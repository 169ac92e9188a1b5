import type { Value } from '../graph/graphBuilder'
import { activation } from './activations'
import { alikeLayers } from './alikeLayers'
import { defineFamily, type ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { checkRouting, gatedExperts, linearsNamedAsExperts, topKRouting } from './experts'
import type { LayerBuilder } from './layerBuilder'
import { llamaLike } from './llamaLike'
import { gatedMlp } from './mlp'
import { flag, integer, natural, number, orNull, readSettings, wholes } from './settings'

/** Defaults of transformers' Qwen3MoeConfig; `head_dim` is no key of the class, but its model reads it. */
const TABLE = {
  vocab_size: integer(151_936),
  hidden_size: integer(2048),
  intermediate_size: integer(6144),
  num_hidden_layers: integer(24),
  num_attention_heads: integer(32),
  num_key_value_heads: integer(4),
  head_dim: { ...integer(1), fallback: null },
  hidden_act: activation('silu'),
  max_position_embeddings: integer(32_768),
  rms_norm_eps: number(1e-6),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false),
  use_sliding_window: flag(false),
  sliding_window: orNull(integer, 4096),
  decoder_sparse_step: integer(1),
  moe_intermediate_size: integer(768),
  num_experts_per_tok: integer(8),
  num_experts: natural(128),
  norm_topk_prob: flag(false),
  mlp_only_layers: orNull(wholes)
}

const ALIASES = { num_local_experts: 'num_experts' }

/**
 * Qwen 3 with experts in the place of the MLP, on all layers or on some.
 *
 *     x += Σₑ wₑ · downₑ(act(gateₑ(n)) · upₑ(n)), w = top k of softmax(gate(n)), normed or not
 *
 * Source: transformers modeling_qwen3_moe.
 */
export const qwen3Moe = defineFamily({ modelTypes: ['qwen3_moe'], settings: readQwen3Moe, build: buildQwen3Moe })

function readQwen3Moe(config: ConfigReader) {
  const given = readSettings(config, TABLE, ALIASES)
  const sliding_window = given.use_sliding_window ? given.sliding_window : null
  const mlp_only_layers = given.mlp_only_layers ?? []
  // transformers writes the number under its other name, which wins.
  const settings = { ...given, sliding_window, mlp_only_layers, num_local_experts: given.num_experts }
  const read = alikeLayers(config, settings, { window: sliding_window })
  const { num_experts_per_tok: perToken, num_experts: count } = settings
  if (read.layers.some((_, index) => isSparse(settings, index))) checkRouting(config, perToken, count)
  return read
}

type Qwen3MoeSettings = ReturnType<typeof readQwen3Moe>

/** Whether a layer has experts; the others have an MLP. */
const isSparse = (
  settings: Pick<Qwen3MoeSettings, 'mlp_only_layers' | 'num_experts' | 'decoder_sparse_step'>,
  index: number
): boolean =>
  !settings.mlp_only_layers.includes(index) &&
  settings.num_experts > 0 &&
  (index + 1) % settings.decoder_sparse_step === 0

function buildQwen3Moe(settings: Qwen3MoeSettings): ModelArchitecture {
  const { hidden_size: hiddenSize, num_experts: count, num_experts_per_tok: perToken } = settings
  const spec = gatedExperts({
    count,
    perToken,
    hiddenSize,
    intermediateSize: settings.moe_intermediate_size,
    activation: settings.hidden_act,
    names: { router: 'mlp.gate', module: 'mlp.experts', alone: ['gate_proj', 'up_proj', 'down_proj'] }
  })
  const sparse = settings.layers.map((_, index) => isSparse(settings, index))
  const feedForward = (layer: LayerBuilder, n: Value, index: number): Value | undefined => {
    if (!sparse[index]) return gatedMlp(layer, n, settings, { mlpBias: false })
    const router = layer.parameter(`${spec.router}.weight`, [count, hiddenSize])
    layer.addExperts(spec, n, topKRouting(layer.graph, n, router, { ...spec, normed: settings.norm_topk_prob }))
    return undefined
  }
  const model = llamaLike(settings, {
    family: 'qwen3_moe',
    inputBias: settings.attention_bias,
    outputBias: settings.attention_bias,
    mlpBias: false,
    queryKeyNorm: { over: 'head' },
    feedForward
  })
  const dense = [...sparse.keys()].filter((index) => !sparse[index])
  const unreached = linearsNamedAsExperts(model, dense)
  const experts = { count, perToken, unquantized: ['mlp.experts', 'mlp.gate'], quantizedIn4: true }
  return { ...model, unreached, ...(sparse.includes(true) && { experts }) }
}
