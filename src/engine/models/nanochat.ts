import { activation } from './activations'
import { alikeLayers } from './alikeLayers'
import { defineFamily } from './architecture'
import { llamaLike } from './llamaLike'
import { plainMlp } from './mlp'
import { bareRmsNorm, type Norm } from './norms'
import { beside, flag, integer, number, orNull, positive, readSettings } from './settings'

/** Defaults of transformers' NanoChatConfig. */
const TABLE = {
  vocab_size: integer(50_304),
  hidden_size: integer(768),
  intermediate_size: integer(8192),
  num_hidden_layers: integer(12),
  num_attention_heads: integer(6),
  num_key_value_heads: orNull(integer),
  head_dim: beside(integer, 1),
  hidden_act: activation('relu2'),
  max_position_embeddings: integer(2048),
  rms_norm_eps: number(1e-6),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false),
  final_logit_softcapping: orNull(positive, 15)
}

const norm: Norm = (layer, x, _name, _size, epsilon) => bareRmsNorm(layer, x, epsilon)

/**
 * nanochat: RMS norms without parameters, of the embedding and of rotated heads too; heads rotate backward; an MLP without
 * gate, whose activation is a squared ReLU; a soft cap of the logits.
 *
 *     x += o(attention(q(norm(x)), k(norm(x)), v(norm(x))));   x += fc2(relu(fc1(norm(x)))²)
 *
 * Source: transformers modeling_nanochat.
 */
export const nanochat = defineFamily({
  modelTypes: ['nanochat'],
  settings: (config) => alikeLayers(config, readSettings(config, TABLE)),
  build(settings) {
    const { hidden_size: hiddenSize, rms_norm_eps: epsilon, attention_bias: bias } = settings
    const model = llamaLike(settings, {
      family: 'nanochat',
      inputBias: bias,
      outputBias: bias,
      mlpBias: false,
      norm,
      queryKeyNorm: { over: 'head', afterRotation: true },
      backward: true,
      feedForward: (layer, n) => plainMlp(layer, n, settings, { names: ['mlp.fc1', 'mlp.fc2'], bias: false })
    })
    return {
      ...model,
      logitSoftcap: settings.final_logit_softcapping ?? undefined,
      buildEmbedding: (layer, x) => norm(layer, x, '', hiddenSize, epsilon)
    }
  }
})
