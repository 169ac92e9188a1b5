import { badInput } from '../../shared/errors'
import type { ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { type LatentForm, type LatentSettings, type LatentSizes, latentAttention } from './latentAttention'
import { equalLayers } from './layerTypes'
import { type LlamaLikeOptions, type LlamaLikeSettings, llamaLike } from './llamaLike'
import { type RopeForm, readRope, STANDARD_ROPE, stretchOfScores } from './ropeSettings'

interface LatentOptions extends Omit<LlamaLikeOptions, 'inputBias' | 'outputBias' | 'attention'> {
  /** Neighbours rotate as pairs. */
  readonly interleaved: boolean
  readonly gate?: LatentForm['gate']
}

/** Blocks of the LLaMA kind with latent attention. */
export function latentDecoder(
  settings: LlamaLikeSettings & LatentSettings,
  { interleaved, gate, ...options }: LatentOptions
): ModelArchitecture {
  const { attention_bias: bias } = settings
  const { queryFactor } = options
  const model = llamaLike(settings, {
    ...options,
    inputBias: bias,
    outputBias: bias,
    attention: (layer, n, index) => latentAttention(layer, n, index, settings, { interleaved, queryFactor, gate })
  })
  return { ...model, failsInInt8: FAILS_IN_INT8 }
}

/** transformers 5 keeps the latent as a cache of one head, and gives it to the linear as it is. */
const FAILS_IN_INT8 =
  'transformers 5 gives kv_b_proj inputs of four dimensions, on which int8 of bitsandbytes fails; transformers 4 does not (DeepSeek-V2 and -V3)'

/**
 * The settings, where the config class lets another `head_dim` stand beside that of what rotates.
 *
 * @throws {AppError} BAD_INPUT where it does: its model rotates as many dimensions as it cuts off
 */
export function withoutHeadDim<S extends Pick<LatentSizes, 'qk_rope_head_dim'>>(config: ConfigReader, settings: S): S {
  const { qk_rope_head_dim: rotating } = settings
  if (!config.given('head_dim') || config.raw('head_dim') === rotating) return settings
  throw config.complaint('head_dim', `${rotating}, as qk_rope_head_dim`)
}

interface LatentConfig extends LatentSizes {
  readonly num_hidden_layers: number
  readonly num_key_value_heads: number | null
  readonly max_position_embeddings: number
  /** Where the config class has a key for them. */
  readonly layer_types?: readonly string[]
}

/**
 * The settings with what follows from them: heads, the factor of scores, and each layer's rotary positions.
 *
 * @param headDim - what the model takes for the dimensions of a head where it rotates: those that rotate, when left out
 * @throws {AppError} BAD_INPUT where there are not as many heads of keys as of queries: each has its own here
 */
export function latentLayers<S extends LatentConfig>(
  config: ConfigReader,
  settings: S,
  form: RopeForm = STANDARD_ROPE,
  headDim = settings.qk_rope_head_dim
) {
  const { num_attention_heads: heads, num_key_value_heads: keyValueHeads, num_hidden_layers: count } = settings
  if (keyValueHeads !== null && keyValueHeads !== heads) {
    throw badInput(`${config.where}: num_key_value_heads is ${keyValueHeads}, expected ${heads}, the number of heads`)
  }
  const { max_position_embeddings: limit, layer_types: layerTypes } = settings
  const rope = readRope(config, form, { headDim, limit, ...(layerTypes && { layerTypes }) })
  return {
    ...settings,
    num_key_value_heads: heads,
    head_dim: headDim,
    scoreStretch: stretchOfScores(config),
    layers: equalLayers(config, count, null, rope)
  }
}
