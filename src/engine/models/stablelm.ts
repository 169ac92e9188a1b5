import type { Value } from '../graph/graphBuilder'
import { activation } from './activations'
import { defineFamily } from './architecture'
import type { ConfigReader } from './configReader'
import { decoder } from './decoder'
import { deriveHeads, equalHeads } from './heads'
import type { LayerBuilder } from './layerBuilder'
import { equalLayers } from './layerTypes'
import { gatedMlp } from './mlp'
import { headLayerNorm, layerNorm } from './norms'
import { type RopeForm, readRope } from './ropeSettings'
import { projectedAttention } from './selfAttention'
import { flag, integer, number, readSettings } from './settings'

/** Defaults of transformers' StableLmConfig. */
const TABLE = {
  vocab_size: integer(50_304),
  hidden_size: integer(2560),
  intermediate_size: integer(6912),
  num_hidden_layers: integer(32),
  num_attention_heads: integer(32),
  num_key_value_heads: integer(32),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(4096),
  layer_norm_eps: number(1e-5),
  tie_word_embeddings: flag(false),
  use_qkv_bias: flag(false),
  qk_layernorm: flag(false),
  use_parallel_residual: flag(false)
}

const ROPE: RopeForm = {
  theta: ['rope_theta', 10_000],
  share: ['partial_rotary_factor', 0.25],
  partial: true,
  exact: true
}

/**
 * StableLM 2 and 3B: LLaMA with layer norms, rotary positions for a quarter of each head, and on request a norm of its own
 * for each head of q and k, and attention and MLP side by side after one norm.
 *
 * Source: transformers modeling_stablelm.
 */
export const stablelm = defineFamily({
  modelTypes: ['stablelm'],
  settings: readStableLm,
  build(settings) {
    const { hidden_size: hiddenSize, layer_norm_eps: epsilon, use_parallel_residual: parallel } = settings
    return decoder(settings, {
      family: 'stablelm',
      buildBlock(layer, x, index) {
        const { graph } = layer
        const n = layerNorm(layer, x, 'input_layernorm', hiddenSize, epsilon)
        const attended = projectedAttention(layer, n, index, settings, {
          inputBias: settings.use_qkv_bias,
          outputBias: false,
          headNorms: settings.qk_layernorm ? headNorms(layer, settings) : undefined
        })
        const middle = graph.add(x, attended)
        const m = parallel ? n : layerNorm(layer, middle, 'post_attention_layernorm', hiddenSize, epsilon)
        return graph.add(middle, gatedMlp(layer, m, settings, { mlpBias: false }))
      },
      buildFinalNorm: (layer, x) => layerNorm(layer, x, 'model.norm', hiddenSize, epsilon)
    })
  }
})

type StableLmSettings = ReturnType<typeof readStableLm>

function readStableLm(config: ConfigReader) {
  const settings = readSettings(config, TABLE)
  const head_dim = equalHeads(config, settings.hidden_size, settings.num_attention_heads)
  deriveHeads(config, { ...settings, head_dim })
  const { max_position_embeddings: limit, num_hidden_layers: count } = settings
  const rope = readRope(config, ROPE, { headDim: head_dim, limit })
  return { ...settings, head_dim, layers: equalLayers(config, count, null, rope) }
}

/** Each head's norm is a module of its own: `q_layernorm.norms.0.weight`. */
function headNorms(layer: LayerBuilder, settings: StableLmSettings) {
  const { head_dim: size, layer_norm_eps: epsilon } = settings
  const of = (name: string, count: number) => (x: Value) => {
    const each = Array.from({ length: count }, (_, head) =>
      layer.parameter(`self_attn.${name}.norms.${head}.weight`, [size])
    )
    const weights = layer.graph.reshape(layer.graph.concat(each, 0), [count, size])
    return headLayerNorm(layer, x, weights, { count, size }, epsilon)
  }
  return { q: of('q_layernorm', settings.num_attention_heads), k: of('k_layernorm', settings.num_key_value_heads) }
}
