import { type ActivationName, activation } from './activations'
import { defineFamily, type ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { type DecoderSettings, decoder } from './decoder'
import { deriveHeads } from './heads'
import { equalLayers } from './layerTypes'
import { FUSED_MLP, gatedMlp } from './mlp'
import { rmsNorm } from './norms'
import { type RopeForm, readRope } from './ropeSettings'
import { type AttentionSettings, projectedAttention } from './selfAttention'
import { flag, integer, number, readSettings } from './settings'

/** Defaults of transformers' GlmConfig and Glm4Config. */
const TABLE = {
  vocab_size: integer(151_552),
  hidden_size: integer(4096),
  intermediate_size: integer(13_696),
  num_hidden_layers: integer(40),
  num_attention_heads: integer(32),
  num_key_value_heads: integer(2),
  head_dim: integer(128),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(131_072),
  rms_norm_eps: number(1.5625e-7),
  tie_word_embeddings: flag(false),
  attention_bias: flag(true)
}

export const GLM_ROPE: RopeForm = {
  theta: ['rope_theta', 10_000],
  share: ['partial_rotary_factor', 0.5],
  nullIsWhole: true,
  partial: true
}

/**
 * GLM-4 as of 2024 (`glm`): half of each head rotates, neighbouring dimensions as pairs; one linear for gate and up.
 *
 * Source: transformers modeling_glm.
 */
export const glm = defineFamily({
  modelTypes: ['glm'],
  settings: readGlm,
  build: (settings) => glmLike(settings, 'glm', false)
})

/**
 * GLM-4-0414 (`glm4`): the same with a norm after each sublayer too.
 *
 *     x += norm₂(attention(norm₁(x)));   x += norm₄(mlp(norm₃(x)))
 *
 * Source: transformers modeling_glm4.
 */
export const glm4 = defineFamily({
  modelTypes: ['glm4'],
  settings: readGlm,
  build: (settings) => glmLike(settings, 'glm4', true)
})

function readGlm(config: ConfigReader) {
  const settings = readSettings(config, TABLE)
  const heads = deriveHeads(config, settings)
  const { max_position_embeddings: limit, num_hidden_layers: count } = settings
  const rope = readRope(config, GLM_ROPE, { headDim: heads.head_dim, limit })
  return { ...settings, ...heads, layers: equalLayers(config, count, null, rope) }
}

/** What blocks of the GLM kind read. */
interface GlmSettings extends DecoderSettings, AttentionSettings {
  readonly intermediate_size: number
  readonly hidden_act: ActivationName
  readonly rms_norm_eps: number
  readonly attention_bias: boolean
}

/**
 * A decoder of GLM's blocks.
 *
 * @param outerNorms - whether there is a norm after each sublayer too
 */
export function glmLike(settings: GlmSettings, family: string, outerNorms: boolean): ModelArchitecture {
  const { hidden_size: hiddenSize, rms_norm_eps: epsilon, attention_bias: inputBias } = settings
  return decoder(settings, {
    family,
    buildBlock(layer, x, index) {
      const { graph } = layer
      const norm = (name: string, value: typeof x) => rmsNorm(layer, value, name, hiddenSize, epsilon)
      const outer = (name: string, value: typeof x) => (outerNorms ? norm(name, value) : value)
      const options = { inputBias, outputBias: false, interleaved: true }
      const attended = projectedAttention(layer, norm('input_layernorm', x), index, settings, options)
      const middle = graph.add(x, outer('post_self_attn_layernorm', attended))
      const n = norm('post_attention_layernorm', middle)
      const fed = gatedMlp(layer, n, settings, { names: FUSED_MLP, mlpBias: false })
      return graph.add(middle, outer('post_mlp_layernorm', fed))
    },
    buildFinalNorm: (layer, x) => rmsNorm(layer, x, 'model.norm', hiddenSize, epsilon)
  })
}
