import { stateSize } from '../models/architecture'
import type { PreparedRun } from '../prepare/preparedRun'
import { codeBytes, keptBytes } from '../quantizers/codeBytes'

/** What a refinement keeps from step to step, bytes: as far as the budget allows in memory, the rest on the disk. */
interface RefinementNeeds {
  readonly memory: number
  readonly disk: number
}

/** Of each entry of the factors: itself and the two moments of Adam. */
const FLOATS_OF_ENTRY = 3

/**
 * The most that any refinement of the run needs, one after the other.
 *
 * It asks the budget for the states before each block, the factors with their moments, and Q in float32 or the codes of which a device makes it, in this order and
 * each as a whole (engine/refine); what is refused lies in files, Q as codes or in those of a pre-quantized base. Between stretches of steps the factors lie in a file
 * too, twice while one takes the place of the other.
 *
 * @param budget - of the memory, what hidden states leave
 */
export function refinementNeeds(prepared: PreparedRun, budget: number): RefinementNeeds {
  const needs = prepared.variants.map((variant) => needsOf(prepared, variant, budget))
  return {
    memory: Math.max(0, ...needs.map(({ memory }) => memory)),
    disk: Math.max(0, ...needs.map(({ disk }) => disk))
  }
}

function needsOf(
  { architecture, recipe, linears, base }: PreparedRun,
  { spec, targets }: PreparedRun['variants'][number],
  budget: number
): RefinementNeeds {
  if (spec.refine === undefined) return { memory: 0, disk: 0 }
  const weights = linears.reduce((sum, { inFeatures, outFeatures }) => sum + inFeatures * outFeatures, 0)
  const entries = linears
    .filter(({ path }) => targets.has(path))
    .reduce((sum, { inFeatures, outFeatures }) => sum + spec.rank * (inFeatures + outFeatures), 0)
  const states = 4 * architecture.blocks * spec.refine.batch * recipe.context * stateSize(architecture)
  const factors = 4 * FLOATS_OF_ENTRY * entries
  const kept = [
    { memory: states, disk: states },
    { memory: factors, disk: factors },
    {
      memory: keptBytes(spec.quantizer, recipe.device) * weights,
      disk: base === undefined ? codeBytes(spec.quantizer) * weights : 0
    }
  ]
  let [memory, disk] = [0, 2 * factors]
  for (const one of kept) {
    if (memory + one.memory <= budget) memory += one.memory
    else disk += one.disk
  }
  return { memory: Math.round(memory), disk: Math.round(disk) }
}
