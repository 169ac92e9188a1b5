import type { ModelArchitecture } from '../../src/engine/models/architecture'
import type { Adapter, BlockWeights } from '../../src/engine/models/blockWeights'
import type { ModelParts } from '../../src/engine/models/modelParts'
import { fillUniform, seededRandom } from '../../src/engine/numerics/random'

/** Numbers uniform in [−bound, bound), the same in every process. */
export function uniform(size: number, bound: number, ...labels: readonly (string | number)[]): Float32Array {
  const data = new Float32Array(size)
  fillUniform(data, bound, seededRandom(...labels))
  return data
}

/** A random adapter of the given rank beside every linear of a block. */
export function withAdapters(parts: ModelParts, block: number, weights: BlockWeights, rank: number): BlockWeights {
  const adapters = new Map<string, Adapter>()
  for (const { name, inFeatures, outFeatures } of parts.linears(block)) {
    const A = uniform(rank * inFeatures, 0.3, 'A', name)
    const B = uniform(outFeatures * rank, 0.3, 'B', name)
    adapters.set(name, { A: { data: A, rows: rank, cols: inFeatures }, B: { data: B, rows: outFeatures, cols: rank } })
  }
  return { ...weights, adapters }
}

/** Hidden states of two rows, as large as those of a model that was trained. */
export const hiddenStates = ({ hiddenSize }: ModelArchitecture, context: number, block: number): Float32Array =>
  uniform(2 * context * hiddenSize, 1, 'hidden', block)
