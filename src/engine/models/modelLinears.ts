import { storedExperts } from './expertWeights'
import type { LinearSpec } from './layerBuilder'
import type { ModelParts } from './modelParts'
import { modelTensors } from './modelTensors'
import type { ModelWeights } from './modelWeights'

/** One linear of the blocks, with its place in the model. */
export interface PreparedLinear extends LinearSpec {
  /** Module path, as PEFT names it. */
  readonly path: string
  readonly block: number
  /** Whether an adapter can be put beside it; where not, it is only quantized. */
  readonly adaptable: boolean
}

const lastName = (path: string): string => path.slice(path.lastIndexOf('.') + 1)

/** Every linear of every block, in order of execution. */
export function listLinears(parts: ModelParts): PreparedLinear[] {
  const { architecture } = parts
  const prepared = (spec: LinearSpec, block: number): PreparedLinear => {
    const path = `${architecture.blockPath(block)}.${spec.name}`
    return { ...spec, path, block, adaptable: architecture.unreached?.has(lastName(path)) !== true }
  }
  return Array.from({ length: architecture.blocks }, (_, block) =>
    parts.linears(block).map((spec) => prepared(spec, block))
  ).flat()
}

/** Finds a missing or misshapen tensor now, not hours later. */
export function assertTensors(weights: ModelWeights, parts: ModelParts): void {
  for (const { name, shape } of modelTensors(parts, true)) weights.findAll(name, shape)
  for (let block = 0; block < parts.architecture.blocks; block++) storedExperts(weights, parts, block)
}
