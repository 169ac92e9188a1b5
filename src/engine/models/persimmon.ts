import { activation } from './activations'
import { defineFamily, type ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { decoder } from './decoder'
import { fusedAttention } from './fusedProjections'
import { equalHeads } from './heads'
import { equalLayers } from './layerTypes'
import { plainMlp } from './mlp'
import { layerNorm } from './norms'
import { layerNormedHeads, PHI_ROPE } from './phi'
import { readRope } from './ropeSettings'
import { flag, integer, number, readSettings } from './settings'

/** Defaults of transformers' PersimmonConfig. */
const TABLE = {
  vocab_size: integer(262_144),
  hidden_size: integer(4096),
  intermediate_size: integer(16_384),
  num_hidden_layers: integer(36),
  num_attention_heads: integer(64),
  hidden_act: activation('relu2'),
  max_position_embeddings: integer(16_384),
  layer_norm_eps: number(1e-5),
  tie_word_embeddings: flag(false),
  qk_layernorm: flag(true)
}

/**
 * Persimmon: one linear for q, k and v, head by head, normed heads of which half rotates, an MLP without gate, layer norms and
 * biases everywhere.
 *
 *     x += dense(attention(query_key_value(n))), n = norm₁(x);   x += dense_4h_to_h(act(dense_h_to_4h(n))), n = norm₂(x)
 *
 * Source: transformers modeling_persimmon.
 */
export const persimmon = defineFamily({ modelTypes: ['persimmon'], settings: readPersimmon, build: buildPersimmon })

function readPersimmon(config: ConfigReader) {
  const settings = readSettings(config, TABLE)
  const { hidden_size, num_attention_heads, num_hidden_layers: count, max_position_embeddings: limit } = settings
  const head_dim = equalHeads(config, hidden_size, num_attention_heads)
  const rope = readRope(config, PHI_ROPE, { headDim: head_dim, limit })
  return { ...settings, head_dim, layers: equalLayers(config, count, null, rope) }
}

function buildPersimmon(settings: ReturnType<typeof readPersimmon>): ModelArchitecture {
  const { hidden_size: hiddenSize, num_attention_heads: heads, layer_norm_eps: epsilon } = settings
  const shape = { heads, keyValueHeads: heads, headDim: settings.head_dim }
  const normed = { ...settings, num_key_value_heads: heads }
  return decoder(settings, {
    family: 'persimmon',
    buildBlock(layer, x, index) {
      const n = layerNorm(layer, x, 'input_layernorm', hiddenSize, epsilon)
      const attended = fusedAttention(
        layer,
        n,
        { ...shape, ...settings.layers[index] },
        {
          names: ['self_attn.query_key_value', 'self_attn.dense'],
          bias: true,
          headNorms: settings.qk_layernorm ? layerNormedHeads(layer, normed) : undefined
        }
      )
      const middle = layer.graph.add(x, attended)
      const m = layerNorm(layer, middle, 'post_attention_layernorm', hiddenSize, epsilon)
      const names = ['mlp.dense_h_to_4h', 'mlp.dense_4h_to_h'] as const
      return layer.graph.add(middle, plainMlp(layer, m, settings, { names, bias: true }))
    },
    buildFinalNorm: (layer, x) => layerNorm(layer, x, 'model.final_layernorm', hiddenSize, epsilon)
  })
}
