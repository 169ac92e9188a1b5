import { activation } from './activations'
import { defineFamily, type ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { fusedAttention } from './fusedProjections'
import { equalHeads } from './heads'
import { equalLayers } from './layerTypes'
import { plainMlp } from './mlp'
import { layerNorm } from './norms'
import { type RopeForm, readRope } from './ropeSettings'
import { flag, integer, number, readSettings } from './settings'

/** Defaults of transformers' GPTNeoXConfig. */
const TABLE = {
  vocab_size: integer(50_432),
  hidden_size: integer(6144),
  intermediate_size: integer(24_576),
  num_hidden_layers: integer(44),
  num_attention_heads: integer(64),
  hidden_act: activation('gelu'),
  max_position_embeddings: integer(2048),
  layer_norm_eps: number(1e-5),
  tie_word_embeddings: flag(false),
  use_parallel_residual: flag(true),
  attention_bias: flag(true)
}

const ROPE: RopeForm = { theta: ['rotary_emb_base', 10_000], share: ['rotary_pct', 0.25], partial: true }

/**
 * GPT-NeoX and Pythia: fused query_key_value interleaved by head, partial rotary positions, layer norms with bias.
 *
 *     parallel:   x += dense(attention(norm₁(x))) + mlp(norm₂(x));   sequential: as LLaMA
 *
 * Source: transformers modeling_gpt_neox.
 */
export const gptNeox = defineFamily({ modelTypes: ['gpt_neox'], settings: readGptNeox, build: buildGptNeox })

function readGptNeox(config: ConfigReader) {
  const settings = readSettings(config, TABLE)
  const { hidden_size, num_attention_heads, num_hidden_layers, max_position_embeddings: limit } = settings
  const head_dim = equalHeads(config, hidden_size, num_attention_heads)
  const rope = readRope(config, ROPE, { headDim: head_dim, limit })
  return { ...settings, head_dim, layers: equalLayers(config, num_hidden_layers, null, rope) }
}

function buildGptNeox(settings: ReturnType<typeof readGptNeox>): ModelArchitecture {
  const { hidden_size: hiddenSize, head_dim: headDim, layers } = settings
  const { num_attention_heads: heads, layer_norm_eps: epsilon, use_parallel_residual: parallel } = settings
  const attentionBias = settings.attention_bias
  return {
    family: 'gpt_neox',
    hiddenSize,
    embeddingSize: hiddenSize,
    vocabularySize: settings.vocab_size,
    contextLimit: settings.max_position_embeddings,
    blocks: layers.length,
    basePrefix: 'gpt_neox.',
    embedding: 'gpt_neox.embed_in.weight',
    head: 'embed_out.weight',
    headAlias: 'lm_head.weight', // what transformers 5 calls it in memory, and writes with save_original_format=False
    tiedHead: settings.tie_word_embeddings,
    blockPath: (index) => `gpt_neox.layers.${index}`,
    buildBlock(layer, x, index) {
      const { graph } = layer
      const n = layerNorm(layer, x, 'input_layernorm', hiddenSize, epsilon)
      const shape = { heads, keyValueHeads: heads, headDim, ...layers[index] }
      const names = ['attention.query_key_value', 'attention.dense'] as const
      const dense = fusedAttention(layer, n, shape, { names, bias: attentionBias })
      const middle = graph.add(x, dense)
      const m = layerNorm(layer, parallel ? x : middle, 'post_attention_layernorm', hiddenSize, epsilon)
      const mlpNames = ['mlp.dense_h_to_4h', 'mlp.dense_4h_to_h'] as const
      return graph.add(middle, plainMlp(layer, m, settings, { names: mlpNames, bias: true }))
    },
    buildFinalNorm: (layer, x) => layerNorm(layer, x, 'gpt_neox.final_layer_norm', hiddenSize, epsilon)
  }
}
