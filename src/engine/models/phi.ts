import type { Value } from '../graph/graphBuilder'
import { activation } from './activations'
import { defineFamily } from './architecture'
import type { ConfigReader } from './configReader'
import { decoder } from './decoder'
import { deriveHeads } from './heads'
import type { LayerBuilder } from './layerBuilder'
import { equalLayers } from './layerTypes'
import { plainMlp } from './mlp'
import { layerNorm } from './norms'
import { type RopeForm, readRope } from './ropeSettings'
import { projectedAttention } from './selfAttention'
import { flag, integer, number, orNull, readSettings } from './settings'

/** Defaults of transformers' PhiConfig. */
const TABLE = {
  vocab_size: integer(51_200),
  hidden_size: integer(2048),
  intermediate_size: integer(8192),
  num_hidden_layers: integer(24),
  num_attention_heads: integer(32),
  num_key_value_heads: orNull(integer),
  head_dim: orNull(integer),
  hidden_act: activation('gelu_new'),
  max_position_embeddings: integer(2048),
  layer_norm_eps: number(1e-5),
  tie_word_embeddings: flag(false),
  qk_layernorm: flag(false)
}

/** Half of each head, where no share is given. */
export const PHI_ROPE: RopeForm = {
  theta: ['rope_theta', 10_000],
  share: ['partial_rotary_factor', 0.5],
  partial: true,
  exact: true
}

/**
 * Phi 1, 1.5 and 2: attention and MLP side by side after one layer norm, half of each head rotates, biases everywhere, the
 * head's too.
 *
 *     x += dense(attention(q(n), k(n), v(n))) + fc2(act(fc1(n))), n = norm(x)
 *
 * Source: transformers modeling_phi.
 */
export const phi = defineFamily({
  modelTypes: ['phi'],
  settings: readPhi,
  build(settings) {
    const { hidden_size: hiddenSize, layer_norm_eps: epsilon } = settings
    return decoder(settings, {
      family: 'phi',
      headBias: 'lm_head.bias',
      buildBlock(layer, x, index) {
        const { graph } = layer
        const n = layerNorm(layer, x, 'input_layernorm', hiddenSize, epsilon)
        const attended = projectedAttention(layer, n, index, settings, {
          inputBias: true,
          outputBias: true,
          output: 'dense',
          headNorms: settings.qk_layernorm ? layerNormedHeads(layer, settings) : undefined
        })
        const fed = plainMlp(layer, n, settings, { names: ['mlp.fc1', 'mlp.fc2'], bias: true })
        return graph.add(graph.add(x, attended), fed)
      },
      buildFinalNorm: (layer, x) => layerNorm(layer, x, 'model.final_layernorm', hiddenSize, epsilon)
    })
  }
})

function readPhi(config: ConfigReader) {
  const settings = readSettings(config, TABLE)
  const heads = deriveHeads(config, settings)
  const { max_position_embeddings: limit, num_hidden_layers: count } = settings
  const rope = readRope(config, PHI_ROPE, { headDim: heads.head_dim, limit })
  const derived = Math.floor(settings.hidden_size / settings.num_attention_heads)
  if (settings.qk_layernorm && heads.head_dim !== derived) {
    throw config.complaint('head_dim', `${derived}, hidden_size / num_attention_heads, where qk_layernorm is true`)
  }
  return { ...settings, ...heads, layers: equalLayers(config, count, null, rope) }
}

interface NormedHeads {
  readonly head_dim: number
  readonly layer_norm_eps: number
  readonly num_attention_heads: number
  readonly num_key_value_heads: number
}

/** One norm for all heads of q, and one for those of k. */
export function layerNormedHeads(layer: LayerBuilder, settings: NormedHeads) {
  const { head_dim: size, layer_norm_eps: epsilon } = settings
  const of = (name: string, count: number) => (x: Value) => {
    const heads = layer.graph.reshape(x, [-1, count, size])
    return layer.graph.reshape(layerNorm(layer, heads, `self_attn.${name}`, size, epsilon), [-1, count * size])
  }
  return { q: of('q_layernorm', settings.num_attention_heads), k: of('k_layernorm', settings.num_key_value_heads) }
}
