import type { DeviceName, QuantizerSpec } from '../../shared/recipe'
import type { OuterLinears } from '../models/embeddingRunner'
import type { LinearForm } from '../models/layerBuilder'
import type { PlainGraph } from '../models/modelGraphs'
import { outerLinear } from '../models/modelTensors'
import type { ModelWeights } from '../models/modelWeights'
import { PlainRunner } from '../models/plainRunner'
import { quantizerFor } from '../quantizers/registry'
import { valuesOf } from './baseWeight'
import { quantizeLinear } from './quantizeLinear'
import type { StoredBase } from './storedBase'

/*
 * Linears outside the blocks: OPT-350m's project_in and project_out. They get no adapter, but bitsandbytes quantizes every
 * linear except the head, so that the evaluation of a quantized base has to as well.
 */

/** Where the linears come from, and what the bases of a run make of them. */
interface Bases {
  readonly weights: ModelWeights
  /** By key. */
  readonly quantizers: ReadonlyMap<string, QuantizerSpec>
  readonly base: StoredBase | undefined
  readonly recipe: { readonly device: DeviceName }
}

export const hasLinears = ({ parameters }: PlainGraph): boolean => parameters.some(({ linear }) => linear === true)

/** What a base makes of them: quantized by the quantizer of that key, with inputs as its trainer's linears see them. */
export function outerLinears(
  { weights, quantizers, base }: Omit<Bases, 'recipe'>,
  key: string | undefined
): OuterLinears {
  const spec = key === undefined ? undefined : quantizers.get(key)
  if (spec === undefined) return { read: weights.readParameter }
  return {
    read: async (parameter) => {
      const weight = await weights.readParameter(parameter)
      const linear = outerLinear(parameter)
      return linear === undefined ? weight : valuesOf(linear, await quantizeLinear(base, linear, weight, spec), spec)
    },
    roundInputs: quantizerFor(spec).roundInputs
  }
}

/** One graph under the linears of each base; a graph without linears is the same for all and is made once. */
export class PlainRunners {
  readonly #runners = new Map<string | undefined, PlainRunner>()

  constructor(
    private readonly bases: Bases,
    private readonly build: (form?: LinearForm) => PlainGraph
  ) {}

  /** @param quantizer - key of the quantizer; undefined for the full-precision model */
  async of(quantizer: string | undefined): Promise<PlainRunner> {
    const key = hasLinears(this.build()) ? quantizer : undefined
    const known = this.#runners.get(key)
    if (known !== undefined) return known
    const { read, roundInputs } = outerLinears(this.bases, key)
    const runner = await PlainRunner.create(this.build({ roundInputs }), read, this.bases.recipe.device)
    this.#runners.set(key, runner)
    return runner
  }

  async release(): Promise<void> {
    for (const runner of this.#runners.values()) await runner.release()
  }
}
