import { geluTanh } from './activations'
import { alibiSlopes } from './alibi'
import { defineFamily, type ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { fusedAttention } from './fusedProjections'
import { equalHeads } from './heads'
import { layerNorm } from './norms'
import { flag, integer, number, orNull, readSettings } from './settings'

/** Defaults of transformers' BloomConfig. */
const TABLE = {
  vocab_size: integer(250_880),
  hidden_size: integer(64),
  n_embed: orNull(integer),
  n_layer: integer(2),
  n_head: integer(8),
  layer_norm_epsilon: number(1e-5),
  apply_residual_connection_post_layernorm: flag(false),
  pretraining_tp: integer(1),
  slow_but_exact: flag(false),
  tie_word_embeddings: flag(true)
}

const ALIASES = { num_hidden_layers: 'n_layer', num_attention_heads: 'n_head' }

/** ALiBi has no last position; rows longer than this would still work, but the model was trained on no more. */
const TRAINED_CONTEXT = 2048

/**
 * BLOOM: a layer norm on the embedding, ALiBi instead of positions, fused query_key_value interleaved by head.
 *
 * Source: transformers modeling_bloom. `pretraining_tp` alone changes nothing; with `slow_but_exact` transformers leaves biases out and
 * goes around quantized weights and adapters, so both together are refused.
 */
export const bloom = defineFamily({ modelTypes: ['bloom'], settings: readBloom, build: buildBloom })

function readBloom(config: ConfigReader) {
  const { n_embed, ...settings } = readSettings(config, TABLE, ALIASES)
  const hidden_size = n_embed ?? settings.hidden_size
  const head_dim = equalHeads(config, hidden_size, settings.n_head)
  if (settings.slow_but_exact && settings.pretraining_tp > 1) {
    throw config.complaint('slow_but_exact', `false where pretraining_tp is ${settings.pretraining_tp}`)
  }
  // Not a setting of the config class: its model has no limit.
  const seq_length = config.has('seq_length') ? config.integer('seq_length') : TRAINED_CONTEXT
  return { ...settings, hidden_size, head_dim, seq_length }
}

function buildBloom(settings: ReturnType<typeof readBloom>): ModelArchitecture {
  const { hidden_size: hiddenSize, n_head: heads, head_dim: headDim, layer_norm_epsilon: epsilon } = settings
  const residualFromNorm = settings.apply_residual_connection_post_layernorm
  const slopes = alibiSlopes(heads)
  const embedding = 'transformer.word_embeddings.weight'
  return {
    family: 'bloom',
    hiddenSize,
    embeddingSize: hiddenSize,
    vocabularySize: settings.vocab_size,
    contextLimit: settings.seq_length,
    blocks: settings.n_layer,
    basePrefix: 'transformer.',
    embedding,
    head: 'lm_head.weight',
    tiedHead: settings.tie_word_embeddings,
    blockPath: (index) => `transformer.h.${index}`,
    buildEmbedding: (layer, x) => layerNorm(layer, x, 'transformer.word_embeddings_layernorm', hiddenSize, epsilon),
    buildBlock(layer, x) {
      const { graph } = layer
      const linear = (name: string, value: typeof x, width: number, out: number) =>
        layer.linear(name, value, { in: width, out, bias: true })
      const n = layerNorm(layer, x, 'input_layernorm', hiddenSize, epsilon)
      const shape = { heads, keyValueHeads: heads, headDim, alibiSlopes: slopes }
      const names = ['self_attention.query_key_value', 'self_attention.dense'] as const
      const dense = fusedAttention(layer, n, shape, { names, bias: true })
      const middle = graph.add(residualFromNorm ? n : x, dense)
      const m = layerNorm(layer, middle, 'post_attention_layernorm', hiddenSize, epsilon)
      const wide = geluTanh(graph, linear('mlp.dense_h_to_4h', m, hiddenSize, 4 * hiddenSize))
      return graph.add(residualFromNorm ? m : middle, linear('mlp.dense_4h_to_h', wide, 4 * hiddenSize, hiddenSize))
    },
    buildFinalNorm: (layer, x) => layerNorm(layer, x, 'transformer.ln_f', hiddenSize, epsilon)
  }
}
