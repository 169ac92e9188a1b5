import { Checkpoint } from '../../src/engine/formats/checkpoint'
import { type ModelArchitecture, stateSize } from '../../src/engine/models/architecture'
import { BlockRunner } from '../../src/engine/models/blockRunner'
import { type Adapter, type BlockWeights, readBlockWeights } from '../../src/engine/models/blockWeights'
import { ModelParts } from '../../src/engine/models/modelParts'
import { ModelWeights } from '../../src/engine/models/modelWeights'
import { readArchitecture } from '../../src/engine/models/registry'
import { fillUniform, seededRandom } from '../../src/engine/numerics/random'
import type { DeviceName } from '../../src/shared/recipe'

/** Numbers uniform in [−bound, bound), the same in every process. */
export function uniform(size: number, bound: number, ...labels: readonly (string | number)[]): Float32Array {
  const data = new Float32Array(size)
  fillUniform(data, bound, seededRandom(...labels))
  return data
}

/** A random adapter of the given rank beside every linear of a block. */
function withAdapters(parts: ModelParts, block: number, weights: BlockWeights, rank: number): BlockWeights {
  const adapters = new Map<string, Adapter>()
  for (const { name, inFeatures, outFeatures } of parts.linears(block)) {
    const A = uniform(rank * inFeatures, 0.3, 'A', name)
    const B = uniform(outFeatures * rank, 0.3, 'B', name)
    adapters.set(name, { A: { data: A, rows: rank, cols: inFeatures }, B: { data: B, rows: outFeatures, cols: rank } })
  }
  return { ...weights, adapters }
}

/** The blocks of a checkpoint on a device, each with a random adapter beside every linear. */
export async function openAdaptedBlocks(
  directory: string,
  { device, context: longest, rank }: { device: DeviceName; context: number; rank: number }
) {
  const checkpoint = await Checkpoint.open(directory)
  const architecture = readArchitecture(checkpoint.config, 'config.json')
  const parts = new ModelParts(architecture)
  const weights = new ModelWeights(checkpoint, architecture)
  const context = Math.min(longest, architecture.contextLimit)
  const runner = new BlockRunner(architecture, context, device)
  const adapted = async (block: number): Promise<BlockWeights> =>
    withAdapters(parts, block, await readBlockWeights(weights, parts, block), rank)
  const close = () => Promise.all([runner.release(), checkpoint.close()])
  return { architecture, context, parts, weights, runner, adapted, close }
}

/** Hidden states of two rows, as large as those of a model that was trained. */
export const hiddenStates = (architecture: ModelArchitecture, context: number, block: number): Float32Array =>
  uniform(2 * context * stateSize(architecture), 1, 'hidden', block)
