import { activation } from './activations'
import { defineFamily } from './architecture'
import { decoder } from './decoder'
import { deriveHeads } from './heads'
import { equalLayers } from './layerTypes'
import { plainMlp } from './mlp'
import { layerNorm } from './norms'
import { readRope, STANDARD_ROPE } from './ropeSettings'
import { projectedAttention } from './selfAttention'
import { flag, integer, number, orNull, readSettings } from './settings'

/** Defaults of transformers' Starcoder2Config. */
const TABLE = {
  vocab_size: integer(49_152),
  hidden_size: integer(3072),
  intermediate_size: integer(12_288),
  num_hidden_layers: integer(30),
  num_attention_heads: integer(24),
  num_key_value_heads: integer(2),
  head_dim: orNull(integer),
  hidden_act: activation('gelu_pytorch_tanh'),
  max_position_embeddings: integer(4096),
  norm_epsilon: number(1e-5),
  sliding_window: orNull(integer),
  use_bias: flag(true),
  tie_word_embeddings: flag(true)
}

/**
 * StarCoder 2: rotary positions and grouped queries, layer norms with bias, an MLP without gate, biases everywhere.
 *
 *     x += o(attention(norm₁(x)));   x += c_proj(act(c_fc(norm₂(x))))
 *
 * Source: transformers modeling_starcoder2.
 */
export const starcoder2 = defineFamily({
  modelTypes: ['starcoder2'],
  settings(config) {
    const settings = readSettings(config, TABLE)
    const heads = deriveHeads(config, settings)
    const { max_position_embeddings: limit, num_hidden_layers: count, sliding_window } = settings
    const rope = readRope(config, STANDARD_ROPE, { headDim: heads.head_dim, limit })
    return { ...settings, ...heads, layers: equalLayers(config, count, sliding_window, rope) }
  },
  build(settings) {
    const { hidden_size: hiddenSize, norm_epsilon: epsilon, use_bias: bias } = settings
    return decoder(settings, {
      family: 'starcoder2',
      buildBlock(layer, x, index) {
        const { graph } = layer
        const n = layerNorm(layer, x, 'input_layernorm', hiddenSize, epsilon)
        const attended = projectedAttention(layer, n, index, settings, { inputBias: bias, outputBias: bias })
        const middle = graph.add(x, attended)
        const m = layerNorm(layer, middle, 'post_attention_layernorm', hiddenSize, epsilon)
        return graph.add(middle, plainMlp(layer, m, settings, { names: ['mlp.c_fc', 'mlp.c_proj'], bias }))
      },
      buildFinalNorm: (layer, x) => layerNorm(layer, x, 'model.norm', hiddenSize, epsilon)
    })
  }
})
