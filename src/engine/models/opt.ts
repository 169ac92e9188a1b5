import { activate, activation } from './activations'
import { defineFamily, type ModelArchitecture } from './architecture'
import { causalAttention } from './attention'
import type { ConfigReader } from './configReader'
import { equalHeads } from './heads'
import { addPositions } from './learnedPositions'
import { layerNorm } from './norms'
import { flag, integer, only, orNull, readSettings } from './settings'

/** Defaults of transformers' OPTConfig. */
const TABLE = {
  vocab_size: integer(50_272),
  hidden_size: integer(768),
  num_hidden_layers: integer(12),
  num_attention_heads: integer(12),
  ffn_dim: integer(3072),
  word_embed_proj_dim: orNull(integer),
  max_position_embeddings: integer(2048),
  activation_function: activation('relu'),
  do_layer_norm_before: flag(true),
  _remove_final_layer_norm: flag(false),
  enable_bias: flag(true),
  layer_norm_elementwise_affine: only(true),
  tie_word_embeddings: flag(true)
}

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
export const opt = defineFamily({ modelTypes: ['opt'], settings: readOpt, build: buildOpt })

function readOpt(config: ConfigReader) {
  const settings = readSettings(config, TABLE)
  const head_dim = equalHeads(config, settings.hidden_size, settings.num_attention_heads)
  return { ...settings, head_dim, word_embed_proj_dim: settings.word_embed_proj_dim ?? settings.hidden_size }
}

function buildOpt(settings: ReturnType<typeof readOpt>): ModelArchitecture {
  const { hidden_size: hiddenSize, word_embed_proj_dim: embeddingSize, ffn_dim: ffn, head_dim: headDim } = settings
  const { num_attention_heads: heads, max_position_embeddings: contextLimit, enable_bias: bias } = settings
  const before = settings.do_layer_norm_before
  const finalNorm = before && !settings._remove_final_layer_norm
  return {
    family: 'opt',
    hiddenSize,
    embeddingSize,
    vocabularySize: settings.vocab_size,
    contextLimit,
    blocks: settings.num_hidden_layers,
    basePrefix: 'model.',
    embedding: 'model.decoder.embed_tokens.weight',
    head: 'lm_head.weight',
    tiedHead: settings.tie_word_embeddings,
    blockPath: (index) => `model.decoder.layers.${index}`,
    buildEmbedding(layer, embedded) {
      const hidden =
        embeddingSize === hiddenSize
          ? embedded
          : layer.project('model.decoder.project_in.weight', embedded, embeddingSize, hiddenSize)
      const name = 'model.decoder.embed_positions.weight'
      return addPositions(layer, hidden, { name, limit: contextLimit, size: hiddenSize, first: POSITION_OFFSET })
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
      const wide = activate(
        graph,
        settings.activation_function,
        layer.linear('fc1', m, { in: hiddenSize, out: ffn, bias })
      )
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
