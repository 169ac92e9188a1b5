import { activation } from './activations'
import { defineFamily } from './architecture'
import { decoder } from './decoder'
import { deriveHeads } from './heads'
import { equalLayers } from './layerTypes'
import { plainMlp } from './mlp'
import { offsetLayerNorm } from './norms'
import { type RopeForm, readRope } from './ropeSettings'
import { projectedAttention } from './selfAttention'
import { flag, integer, number, orNull, readSettings } from './settings'

/** Defaults of transformers' NemotronConfig. */
const TABLE = {
  vocab_size: integer(256_000),
  hidden_size: integer(6144),
  intermediate_size: integer(24_576),
  num_hidden_layers: integer(32),
  num_attention_heads: integer(48),
  num_key_value_heads: orNull(integer),
  head_dim: orNull(integer),
  hidden_act: activation('relu2'),
  max_position_embeddings: integer(4096),
  norm_eps: number(1e-5),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false),
  mlp_bias: flag(false)
}

const ROPE: RopeForm = { theta: ['rope_theta', 10_000], share: ['partial_rotary_factor', 0.5], partial: true }

/**
 * Nemotron 3 and 4, Minitron: layer norms with 1 + w, an MLP without gate whose activation is a squared ReLU, rotary
 * positions for half of each head.
 *
 *     x += o(attention(norm₁(x)));   x += down(act(up(norm₂(x))))
 *
 * Source: transformers modeling_nemotron, which does not load a config without `num_key_value_heads`; it means as many as
 * heads.
 */
export const nemotron = defineFamily({
  modelTypes: ['nemotron'],
  settings(config) {
    const settings = readSettings(config, TABLE)
    const { head_dim } = deriveHeads(config, settings)
    const { max_position_embeddings: limit, num_hidden_layers: count } = settings
    const rope = readRope(config, ROPE, { headDim: head_dim, limit })
    return { ...settings, head_dim, layers: equalLayers(config, count, null, rope) }
  },
  build(read) {
    const settings = { ...read, num_key_value_heads: read.num_key_value_heads ?? read.num_attention_heads }
    const { hidden_size: hiddenSize, norm_eps: epsilon, attention_bias: attentionBias, mlp_bias: bias } = settings
    return decoder(settings, {
      family: 'nemotron',
      buildBlock(layer, x, index) {
        const { graph } = layer
        const n = offsetLayerNorm(layer, x, 'input_layernorm', hiddenSize, epsilon)
        const biases = { inputBias: attentionBias, outputBias: attentionBias }
        const middle = graph.add(x, projectedAttention(layer, n, index, settings, biases))
        const m = offsetLayerNorm(layer, middle, 'post_attention_layernorm', hiddenSize, epsilon)
        return graph.add(middle, plainMlp(layer, m, settings, { names: ['mlp.up_proj', 'mlp.down_proj'], bias }))
      },
      buildFinalNorm: (layer, x) => offsetLayerNorm(layer, x, 'model.norm', hiddenSize, epsilon)
    })
  }
})
