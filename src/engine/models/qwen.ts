import type { Family, ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { llamaLike } from './llamaLike'

/**
 * Qwen 2, 2.5 and 3: LLaMA with biased q, k, v (Qwen 2), or with normed heads of q and k (Qwen 3).
 *
 * Source: transformers modeling_qwen2 and modeling_qwen3.
 */
export const qwen: Family = { modelTypes: ['qwen2', 'qwen3'], read: readQwen }

function readQwen(config: ConfigReader): ModelArchitecture {
  if (config.boolean('use_sliding_window', false)) throw config.complaint('use_sliding_window', 'false')
  if (config.string('model_type') === 'qwen2') {
    return llamaLike(config, { family: 'qwen2', inputBias: true, outputBias: false, mlpBias: false })
  }
  const bias = config.boolean('attention_bias', false)
  return llamaLike(config, { family: 'qwen3', inputBias: bias, outputBias: bias, mlpBias: false, headNorm: true })
}
