import type { Family } from './architecture'
import { llamaLike } from './llamaLike'

/**
 * LLaMA 1–3. Biases of attention (`attention_bias`, all four linears) and MLP (`mlp_bias`) are rare but possible.
 *
 * Source: transformers modeling_llama. `pretraining_tp` only changed how products were split.
 */
export const llama: Family = {
  modelTypes: ['llama'],
  read(config) {
    const bias = config.boolean('attention_bias', false)
    const mlpBias = config.boolean('mlp_bias', false)
    return llamaLike(config, { family: 'llama', inputBias: bias, outputBias: bias, mlpBias })
  }
}
