import type { Family } from './architecture'
import { llamaLike } from './llamaLike'

/**
 * Mistral: LLaMA without biases; each query sees the last `sliding_window` keys (all of them when null).
 *
 * Source: transformers modeling_mistral.
 */
export const mistral: Family = {
  modelTypes: ['mistral'],
  read(config) {
    const slidingWindow = config.has('sliding_window') ? config.integer('sliding_window') : undefined
    const options = { inputBias: false, outputBias: false, mlpBias: false, slidingWindow }
    return llamaLike(config, { family: 'mistral', ...options })
  }
}
