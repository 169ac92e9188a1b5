import type { Value } from '../graph/graphBuilder'
import { defineFamily, type ModelArchitecture } from './architecture'
import { COHERE, cohereLike } from './cohere'
import type { ConfigReader, Json } from './configReader'
import { checkRouting, gatedExperts, NAMED_AS_EXPERTS, selectedSoftmax } from './experts'
import { deriveHeads } from './heads'
import type { LayerBuilder } from './layerBuilder'
import { layersByType, readLayerTypes, readMlpTypes, slidingBut } from './layerTypes'
import { gatedMlp } from './mlp'
import { plainLayerNorm, rmsNorm } from './norms'
import type { Rope } from './rope'
import { readParameters, STANDARD_ROPE } from './ropeSettings'
import { addRoutedExperts, expertsNote, sharedExpert } from './routedExperts'
import { flag, integer, natural, number, orNull, readSettings, type Settings, text, texts } from './settings'

/** Defaults of transformers' Cohere2MoeConfig: those of Cohere's other models, and what it adds. */
const TABLE = {
  ...COHERE,
  head_dim: integer(128),
  rms_norm_eps: orNull(number),
  rope_theta: number(10_000),
  sliding_window: orNull(integer, 4096),
  sliding_window_pattern: integer(4),
  layer_types: orNull(texts),
  mlp_layer_types: orNull(texts),
  prefix_dense_sliding_window_pattern: integer(1),
  prefix_dense_intermediate_size: orNull(integer),
  num_experts: integer(8),
  num_experts_per_tok: integer(2),
  num_shared_experts: natural(0),
  shared_expert_combination_strategy: text('average'),
  expert_selection_fn: text('softmax'),
  norm_topk_prob: flag(true)
}

/** What its model knows of these, where it reads them. */
const STRATEGIES = ['average', 'sum']
const SELECTIONS = ['softmax', 'sigmoid']

/**
 * Command A+: Cohere 2 with experts beside the attention, chosen by the router's logits, on all layers but the first ones of
 * `first_k_dense_replace`, which rotate whatever they see; norms may be RMS norms.
 *
 *     x += o(attention(q(n), k(n), v(n))) + s · (Σₑ wₑ · expertₑ(n) + shared(n)), n = norm(x), s = ½ or 1
 *     w = softmax over the top k of gate(n), or their sigmoids, normed or not
 *
 * Source: transformers modeling_cohere2_moe.
 */
export const cohere2Moe = defineFamily({
  modelTypes: ['cohere2_moe'],
  settings: readCohere2Moe,
  build: buildCohere2Moe
})

function readCohere2Moe(config: ConfigReader) {
  const settings = readSettings(config, TABLE)
  const heads = deriveHeads(config, settings)
  const { num_hidden_layers: count, sliding_window_pattern: every } = settings
  const dense = config.given(DENSE) ? natural(0).read(config, DENSE) : 0
  const [first, other] = [slidingBut(settings.prefix_dense_sliding_window_pattern), slidingBut(every)]
  const typeOf = (index: number) => (index < dense ? first(index) : other(index - dense))
  if (settings.layer_types === null && dense > count) throw config.complaint(DENSE, `at most ${count}, the layers`)
  if (settings.layer_types?.includes('attention')) throw config.complaint('layer_types', 'no older names of types')
  const layer_types = readLayerTypes(config, settings, typeOf)
  const mlp_layer_types = readMlpTypes(config, settings, (index) => (index < dense ? 'dense' : 'sparse'))
  if (mlp_layer_types.includes('sparse')) checkSparse(config, settings)
  const rope = readPositions(config, settings, heads.head_dim)
  const typed = layersByType(config, layer_types, settings.sliding_window, rope, { alwaysMasked: true })
  const forced = (index: number) =>
    mlp_layer_types[index] === 'dense' && settings.prefix_dense_sliding_window_pattern === 1
  const layers = typed.map((layer, i) => (layer.window === null && !forced(i) ? { ...layer, rope: null } : layer))
  return { ...settings, ...heads, layer_types, mlp_layer_types, layers }
}

const DENSE = 'first_k_dense_replace'

function checkSparse(config: ConfigReader, settings: Settings<typeof TABLE>): void {
  checkRouting(config, settings.num_experts_per_tok, settings.num_experts)
  const check = (key: 'expert_selection_fn' | 'shared_expert_combination_strategy', known: readonly string[]) => {
    if (!known.includes(settings[key])) throw config.complaint(key, known.join(' or '))
  }
  check('expert_selection_fn', SELECTIONS)
  if (settings.num_shared_experts > 0) check('shared_expert_combination_strategy', STRATEGIES)
}

/** Scalings whose base may stand beside `rope_parameters`; that of others must be in it. */
const WITH_BASE_BESIDE: readonly unknown[] = ['linear', 'dynamic', 'yarn', 'longrope']

/** Its config class ignores `rope_scaling`, and puts no base into `rope_parameters`; some scalings do. */
function readPositions(config: ConfigReader, settings: Positions, headDim: number): Rope {
  const { rope_theta, max_position_embeddings: limit } = settings
  const key = 'rope_parameters'
  const given: Json = config.given(key) ? config.plainObject(key) : { rope_type: 'default', rope_theta }
  const theta = WITH_BASE_BESIDE.includes(given.rope_type ?? given.type) ? rope_theta : undefined
  const original = config.raw('original_max_position_embeddings')
  const beside = { theta, share: undefined, original, truncate: given.truncate }
  return readParameters(`${config.where}: ${key}`, given, STANDARD_ROPE, { headDim, limit }, beside)
}

type Positions = Pick<Settings<typeof TABLE>, 'rope_theta' | 'max_position_embeddings'>

function buildCohere2Moe(settings: ReturnType<typeof readCohere2Moe>): ModelArchitecture {
  const { rms_norm_eps: rmsEpsilon, hidden_size: hiddenSize, mlp_layer_types: types } = settings
  const { feedForward, spec } = cohereExperts(settings)
  const model = cohereLike(settings, {
    family: 'cohere2_moe',
    norm: (layer, x, name) =>
      rmsEpsilon === null
        ? plainLayerNorm(layer, x, name, hiddenSize, settings.layer_norm_eps)
        : rmsNorm(layer, x, name, hiddenSize, rmsEpsilon),
    feedForward
  })
  const experts = expertsNote(spec, 'mlp.experts', { quantizedIn4: false })
  return { ...model, unreached: NAMED_AS_EXPERTS, ...(types.includes('sparse') && { experts }) }
}

/** What stands beside the attention of each layer; undefined where experts behind the block are all of it. */
function cohereExperts(settings: ReturnType<typeof readCohere2Moe>) {
  const { num_experts: count, intermediate_size: wide, num_shared_experts: shared, hidden_size: hiddenSize } = settings
  const spec = gatedExperts({
    count,
    perToken: settings.num_experts_per_tok,
    hiddenSize,
    intermediateSize: wide,
    activation: settings.hidden_act,
    names: { router: 'mlp.gate', module: 'mlp.experts', alone: ['gate_proj', 'up_proj', 'down_proj'] }
  })
  const scale = shared > 0 && settings.shared_expert_combination_strategy === 'average' ? 0.5 : 1
  const dense = { ...settings, intermediate_size: settings.prefix_dense_intermediate_size ?? wide }
  const feedForward = (layer: LayerBuilder, n: Value, index: number): Value | undefined => {
    const { graph } = layer
    if (settings.mlp_layer_types[index] === 'dense') return gatedMlp(layer, n, dense, { mlpBias: false })
    if (settings.expert_selection_fn === 'sigmoid') {
      addRoutedExperts(layer, n, spec, { scores: 'sigmoid', byLogits: true, normed: settings.norm_topk_prob, scale })
    } else {
      const logits = graph.gemm(n, layer.parameter('mlp.gate.weight', [count, hiddenSize]), { transB: 1 })
      layer.addExperts(spec, n, graph.scaled(selectedSoftmax(graph, logits, spec), scale))
    }
    if (shared === 0) return undefined
    const all = { ...settings, intermediate_size: wide * shared }
    return graph.scaled(sharedExpert(layer, n, all, { module: 'mlp.shared_experts', mlpBias: false }), scale)
  }
  return { feedForward, spec }
}
