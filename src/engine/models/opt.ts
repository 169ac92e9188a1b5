import { readActivation } from './activations'
import type { Family, ModelArchitecture } from './architecture'
import { causalAttention } from './attention'
import type { ConfigReader } from './configReader'
import { layerNorm } from './norms'

/** Learned positions start at this row; the rows before it were meant for padding. */
const POSITION_OFFSET = 2
/** OPT's layer norms do not read their ε from the config. */
const EPSILON = 1e-5

/**
 * OPT: learned positions, biased linears, layer norm before each sublayer, or after it in the 350m layout, whose embedding
 * is narrower and has projections in and out.
 *
 * Source: transformers modeling_opt.
 */
export const opt: Family = { modelTypes: ['opt'], read: readOpt }

function readOpt(config: ConfigReader): ModelArchitecture {
  const hiddenSize = config.integer('hidden_size')
  const embeddingSize = config.integer('word_embed_proj_dim', hiddenSize)
  const ffn = config.integer('ffn_dim')
  const heads = config.integer('num_attention_heads')
  if (hiddenSize % heads !== 0) throw config.complaint('num_attention_heads', `a divisor of hidden_size ${hiddenSize}`)
  const headDim = hiddenSize / heads
  const contextLimit = config.integer('max_position_embeddings')
  const activate = readActivation(config, 'activation_function', 'relu')
  const before = config.boolean('do_layer_norm_before', true)
  const finalNorm = before && !config.boolean('_remove_final_layer_norm', false)
  const bias = config.boolean('enable_bias', true)
  if (!config.boolean('layer_norm_elementwise_affine', true)) {
    throw config.complaint('layer_norm_elementwise_affine', 'true')
  }
  return {
    family: 'opt',
    hiddenSize,
    embeddingSize,
    vocabularySize: config.integer('vocab_size'),
    contextLimit,
    blocks: config.integer('num_hidden_layers'),
    basePrefix: 'model.',
    embedding: 'model.decoder.embed_tokens.weight',
    head: config.boolean('tie_word_embeddings', true) ? 'model.decoder.embed_tokens.weight' : 'lm_head.weight',
    blockPath: (index) => `model.decoder.layers.${index}`,
    buildEmbedding(layer, embedded) {
      const { graph, context } = layer
      const hidden =
        embeddingSize === hiddenSize
          ? embedded
          : layer.project('model.decoder.project_in.weight', embedded, embeddingSize, hiddenSize)
      const table = layer.parameter('model.decoder.embed_positions.weight', [
        contextLimit + POSITION_OFFSET,
        hiddenSize
      ])
      const positions = graph.slice(table, 0, POSITION_OFFSET, POSITION_OFFSET + context)
      const rows = graph.reshape(hidden, [-1, context, hiddenSize])
      return graph.reshape(graph.add(rows, positions), [-1, hiddenSize])
    },
    buildBlock(layer, x) {
      const { graph } = layer
      const norm = (name: string, value: typeof x) => layerNorm(layer, value, name, hiddenSize, EPSILON)
      const n = before ? norm('self_attn_layer_norm', x) : x
      const project = (name: string) => layer.linear(`self_attn.${name}`, n, { in: hiddenSize, out: hiddenSize, bias })
      const qkv = { q: project('q_proj'), k: project('k_proj'), v: project('v_proj') }
      const attended = causalAttention(layer, qkv, { heads, keyValueHeads: heads, headDim })
      const out = layer.linear('self_attn.out_proj', attended, { in: hiddenSize, out: hiddenSize, bias })
      const sum = graph.add(x, out)
      const middle = before ? sum : norm('self_attn_layer_norm', sum)
      const m = before ? norm('final_layer_norm', middle) : middle
      const wide = activate(graph, layer.linear('fc1', m, { in: hiddenSize, out: ffn, bias }))
      const next = graph.add(middle, layer.linear('fc2', wide, { in: ffn, out: hiddenSize, bias }))
      return before ? next : norm('final_layer_norm', next)
    },
    buildFinalNorm(layer, x) {
      const normed = finalNorm ? layerNorm(layer, x, 'model.decoder.final_layer_norm', hiddenSize, EPSILON) : x
      return embeddingSize === hiddenSize
        ? normed
        : layer.project('model.decoder.project_out.weight', normed, hiddenSize, embeddingSize)
    }
  }
}
