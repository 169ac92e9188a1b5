import { activation } from './activations'
import { alikeLayers } from './alikeLayers'
import { defineFamily } from './architecture'
import type { ConfigReader } from './configReader'
import { llamaLike } from './llamaLike'
import { ropeKey } from './ropeSettings'
import { flag, integer, number, orNull, readSettings } from './settings'

/** Defaults of transformers' Ministral3Config. */
const TABLE = {
  vocab_size: integer(131_072),
  hidden_size: integer(4096),
  intermediate_size: integer(14_336),
  num_hidden_layers: integer(34),
  num_attention_heads: integer(32),
  num_key_value_heads: integer(8),
  head_dim: integer(128),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(262_144),
  rms_norm_eps: number(1e-5),
  tie_word_embeddings: flag(false),
  sliding_window: orNull(integer)
}

/** What its class puts where `rope_parameters` is absent or null. */
const ROPE_PARAMETERS = {
  rope_type: 'yarn',
  rope_theta: 1_000_000,
  factor: 16,
  original_max_position_embeddings: 16_384,
  beta_fast: 32,
  beta_slow: 1,
  mscale_all_dim: 1,
  mscale: 1,
  llama_4_scaling_beta: 0.1
}

/** Types for which the length before the scaling follows from other keys where the parameters lack it. */
const SCALED = ['llama3', 'yarn', 'longrope']

/**
 * Ministral 3: Mistral whose scores grow with the query's position p, by 1 + β ln(1 + ⌊p / original⌋).
 *
 * Source: transformers modeling_ministral3.
 */
export const ministral3 = defineFamily({
  modelTypes: ['ministral3'],
  settings: readMinistral3,
  build({ growth, ...settings }) {
    return llamaLike(settings, {
      family: 'ministral3',
      inputBias: false,
      outputBias: false,
      mlpBias: false,
      queryFactor: growingScores(growth)
    })
  }
})

function readMinistral3(given: ConfigReader) {
  const config = given.has('rope_parameters') ? given : given.with({ rope_parameters: ROPE_PARAMETERS })
  const settings = readSettings(config, TABLE)
  const growth = readGrowth(config, settings.max_position_embeddings)
  return { ...alikeLayers(config, settings, { window: settings.sliding_window }), growth }
}

/** β, and the positions at each multiple of which scores grow. */
interface Growth {
  readonly beta: number
  readonly original: number
}

/** The factor of a query's scores, 1 + β ln(1 + ⌊p / original⌋) at its position p. */
export const growingScores =
  ({ beta, original }: Growth) =>
  (position: number): number =>
    1 + beta * Math.log(1 + Math.floor(Math.fround(position / original)))

/** β and the length of growing scores, which stand among the rotary parameters and have no defaults there. */
export function readGrowth(config: ConfigReader, limit: number): Growth {
  const parameters = config.object(ropeKey(config))
  const beta = parameters.number('llama_4_scaling_beta')
  const key = 'original_max_position_embeddings'
  const type = parameters.given('rope_type') ? parameters.raw('rope_type') : parameters.raw('type')
  if (!SCALED.includes(String(type))) return { beta, original: parameters.number(key) }
  return { beta, original: config.given(key) ? config.number(key) : parameters.number(key, limit) }
}
