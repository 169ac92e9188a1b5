import { badInput } from '../../shared/errors'
import { activation } from './activations'
import { alikeLayers } from './alikeLayers'
import { defineFamily } from './architecture'
import { llamaLike } from './llamaLike'
import { STANDARD_ROPE } from './ropeSettings'
import { flag, integer, number, readSettings } from './settings'

/** Defaults of transformers' HeliumConfig. */
const TABLE = {
  vocab_size: integer(48_000),
  hidden_size: integer(2560),
  intermediate_size: integer(7040),
  num_hidden_layers: integer(24),
  num_attention_heads: integer(20),
  num_key_value_heads: integer(20),
  head_dim: integer(128),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(4096),
  rms_norm_eps: number(1e-8),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false),
  mlp_bias: flag(false)
}

const ROPE = { ...STANDARD_ROPE, theta: ['rope_theta', 100_000] } as const

/** Helium: LLaMA that rotates neighbours; its o, never with a bias, is square. Source: transformers modeling_helium. */
export const helium = defineFamily({
  modelTypes: ['helium'],
  settings(config) {
    const settings = readSettings(config, TABLE)
    const width = settings.num_attention_heads * settings.head_dim
    if (width !== settings.hidden_size) {
      throw badInput(
        `${config.where}: hidden_size is ${settings.hidden_size}, expected num_attention_heads · head_dim = ${width}`
      )
    }
    return alikeLayers(config, settings, { form: ROPE })
  },
  build: (settings) =>
    llamaLike(settings, {
      family: 'helium',
      inputBias: settings.attention_bias,
      outputBias: false,
      mlpBias: settings.mlp_bias,
      interleaved: true
    })
})
