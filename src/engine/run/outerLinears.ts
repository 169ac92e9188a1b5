import type { PlainGraph } from '../models/modelGraphs'
import type { ReadParameter } from '../models/modelWeights'
import { PlainRunner } from '../models/plainRunner'
import { outerLinear } from './modelTensors'
import type { PreparedRun } from './prepareRun'
import { quantizeLinear } from './quantizeLinear'

/*
 * Linears outside the blocks: OPT-350m's project_in and project_out. They get no adapter, but bitsandbytes quantizes every
 * linear except the head, so that the evaluation of a quantized base has to as well.
 */

export const hasLinears = ({ parameters }: PlainGraph): boolean => parameters.some(({ linear }) => linear === true)

/** Parameters as a base holds them: linears quantized by the quantizer of that key, all else as in the checkpoint. */
export function parameterReader({ weights, quantizers, base }: PreparedRun, key: string | undefined): ReadParameter {
  const spec = key === undefined ? undefined : quantizers.get(key)
  if (spec === undefined) return weights.readParameter
  return async (parameter) => {
    const weight = await weights.readParameter(parameter)
    const linear = outerLinear(parameter)
    return linear === undefined ? weight : (await quantizeLinear(base, linear, weight, spec)).Q
  }
}

/** One graph under the parameters of each base; a graph without linears is the same for all and is made once. */
export class PlainRunners {
  readonly #runners = new Map<string | undefined, PlainRunner>()

  constructor(
    private readonly prepared: PreparedRun,
    private readonly graph: PlainGraph
  ) {}

  /** @param quantizer - key of the quantizer; undefined for the full-precision model */
  async of(quantizer: string | undefined): Promise<PlainRunner> {
    const key = hasLinears(this.graph) ? quantizer : undefined
    const known = this.#runners.get(key)
    if (known !== undefined) return known
    const read = parameterReader(this.prepared, key)
    const runner = await PlainRunner.create(this.graph, read, this.prepared.recipe.device)
    this.#runners.set(key, runner)
    return runner
  }

  async release(): Promise<void> {
    for (const runner of this.#runners.values()) await runner.release()
  }
}
