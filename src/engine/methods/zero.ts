import { zeros64 } from '../numerics/matrix'
import type { Method } from './method'

/** QLoRA's own start: lora_B = 0, lora_A random. The baseline that changes nothing. */
export const zero: Method = {
  name: 'zero',
  summary: 'QLoRA baseline: lora_B = 0, lora_A Kaiming-uniform',
  neutral: true,
  statistics: 'none',
  basis: async (problem) => zeros64(problem.outFeatures, 0)
}
