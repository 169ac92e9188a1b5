import type { Family } from './architecture'
import { llamaLike } from './llamaLike'

/**
 * Phi-3, 3.5 and 4-mini: LLaMA with one fused linear for q, k, v and one for gate and up, partial rotary positions, longrope.
 *
 * Source: transformers modeling_phi3.
 */
export const phi3: Family = {
  modelTypes: ['phi3'],
  read(config) {
    const slidingWindow = config.has('sliding_window') ? config.integer('sliding_window') : undefined
    const options = { inputBias: false, outputBias: false, mlpBias: false, fused: true, slidingWindow }
    return llamaLike(config, { family: 'phi3', ...options })
  }
}
