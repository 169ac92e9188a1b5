import { badInput } from '../../shared/errors'
import type { Value } from '../graph/graphBuilder'
import { defineFamily, type ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { checkRouting, gatedExperts, NAMED_AS_EXPERTS, routedScores } from './experts'
import { deriveHeads } from './heads'
import { HUNYUAN, readHunyuanRope } from './hunyuan'
import type { LayerBuilder } from './layerBuilder'
import { equalLayers } from './layerTypes'
import { llamaLike } from './llamaLike'
import { expertsNote, sharedExpert } from './routedExperts'
import { integer, readSettings, type Setting, type Settings } from './settings'

/** Experts of a token: a number, or one for each layer. */
const topK: Setting<number | number[]> = {
  fallback: 1,
  read: (config, key) => (Array.isArray(config.raw(key)) ? config.wholes(key) : config.integer(key))
}

/** Defaults of transformers' HunYuanMoEV1Config: those of the dense one, and what it adds. */
const TABLE = { ...HUNYUAN, num_experts: integer(1), moe_topk: topK }

const ALIASES = { num_experts_per_tok: 'moe_topk', num_local_experts: 'num_experts' }

/** The linear that scores experts. */
const ROUTER = 'mlp.gate.wg'

/**
 * HunYuan with experts in the place of the MLP, and a shared one beside them; heads of q and k are normed after they were
 * rotated.
 *
 *     x += shared(n) + Σₑ wₑ · expertₑ(n), w = the top k of softmax(wg(n)), by their sum
 *
 * Source: transformers modeling_hunyuan_v1_moe.
 */
export const hunyuanMoe = defineFamily({
  modelTypes: ['hunyuan_v1_moe'],
  settings: readHunyuanMoe,
  check(settings, where) {
    // Its model takes no other in its place.
    if (settings.head_dim === null) throw badInput(`${where}: head_dim is missing, expected a positive integer`)
  },
  build: buildHunyuanMoe
})

function readHunyuanMoe(config: ConfigReader) {
  const settings = readSettings(config, TABLE, ALIASES)
  const { max_position_embeddings: limit, num_hidden_layers: count } = settings
  const heads = deriveHeads(config, settings)
  const rope = readHunyuanRope(config, { headDim: heads.head_dim, limit })
  const layers = equalLayers(config, count, null, rope)
  const perToken = perTokenOf(config, settings)
  checkRouting(config, perToken, settings.num_experts)
  return { ...settings, num_key_value_heads: heads.num_key_value_heads, layers }
}

/** @throws {AppError} BAD_INPUT for a list that is too short, or says different numbers for different layers */
function perTokenOf(
  config: ConfigReader,
  settings: Pick<Settings<typeof TABLE>, 'moe_topk' | 'num_hidden_layers'>
): number {
  const { moe_topk: given, num_hidden_layers: layers } = settings
  if (typeof given === 'number') return given
  const [first = 0] = given
  const used = given.slice(0, layers)
  if (first > 0 && used.length === layers && used.every((each) => each === first)) return first
  throw config.complaint('moe_topk', `a positive integer, or ${layers} times the same`)
}

function buildHunyuanMoe(settings: ReturnType<typeof readHunyuanMoe>): ModelArchitecture {
  const { hidden_size: hiddenSize, num_experts: count, moe_topk: topk, attention_bias: bias } = settings
  const spec = gatedExperts({
    count,
    perToken: typeof topk === 'number' ? topk : (topk[0] as number),
    hiddenSize,
    intermediateSize: settings.intermediate_size,
    activation: settings.hidden_act,
    names: { module: 'mlp.experts', alone: ['gate_proj', 'up_proj', 'down_proj'] }
  })
  const feedForward = (layer: LayerBuilder, n: Value): Value => {
    const shared = sharedExpert(layer, n, settings, { module: 'mlp.shared_mlp', mlpBias: false })
    const logits = layer.linear(ROUTER, n, { in: hiddenSize, out: count, bias: false })
    layer.addExperts(spec, n, routedScores(layer.graph, layer.graph.softmax(logits), { ...spec, normed: true }))
    return shared
  }
  const model = llamaLike(
    { ...settings, head_dim: settings.head_dim as number },
    {
      family: 'hunyuan_v1_moe',
      inputBias: bias,
      outputBias: bias,
      mlpBias: false,
      queryKeyNorm: { over: 'head', names: ['query_layernorm', 'key_layernorm'], afterRotation: true },
      feedForward
    }
  )
  const experts = expertsNote(spec, 'mlp.experts', { quantizedIn4: true, quantizedRouter: ROUTER })
  return { ...model, unreached: NAMED_AS_EXPERTS, experts }
}
