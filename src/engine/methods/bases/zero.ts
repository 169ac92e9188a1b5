import { zeros64 } from '../../numerics/matrix'
import type { Basis } from '../method'

/** QLoRA's own start: lora_B = 0, lora_A random. The baseline that changes nothing. */
export const basis: Basis = async (problem) => zeros64(problem.outFeatures, 0)
