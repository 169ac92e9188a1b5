import type { DeviceMemory } from '../graph/deviceMemory'
import { DeviceTensor, type Feeds, giveBack, type Tensor } from '../graph/session'
import type { BlockWeights } from './blockWeights'
import type { LinearSpec } from './layerBuilder'
import type { PackedUploads } from './packedUploads'

type Linears = BlockWeights['linears']

/**
 * The weights of a block's linears as graph inputs. On a device that keeps tensors they are carried there when a second batch
 * is computed with them, and stay until a batch comes with others: a batch alone would pay for the way twice.
 */
export class ResidentWeights {
  readonly #memory: DeviceMemory
  #linears: Linears | undefined
  #there: Record<string, Tensor | DeviceTensor> | undefined

  constructor(private readonly uploads: PackedUploads) {
    this.#memory = uploads.memory
  }

  /** @param linears - never written to while batches are computed with them; other weights are another map */
  async feeds(specs: readonly LinearSpec[], linears: Linears): Promise<Feeds> {
    if (!this.#memory.keepsTensors) return asInputs(specs, linears)
    if (this.#linears !== linears) {
      this.#giveBack()
      this.#linears = linears
      return asInputs(specs, linears)
    }
    const there = this.#there ?? {}
    this.#there = there
    const inputs = asInputs(specs, linears)
    for (const [name, weight] of Object.entries(inputs)) {
      if (!(weight instanceof DeviceTensor)) there[name] ??= await this.#memory.upload(weight)
    }
    return { ...inputs, ...there }
  }

  /**
   * Weights on a device that keeps tensors, each carried there once and the caller's to give back; elsewhere those that were
   * given. Those whose bits are known go there as these.
   *
   * @throws {AppError} DEVICE with the library's reason when the device fails
   */
  async carried(
    specs: readonly LinearSpec[],
    { linears, bits }: Pick<BlockWeights, 'linears' | 'bits'>
  ): Promise<Linears> {
    if (!this.#memory.keepsTensors) return linears
    const there = new Map<string, DeviceTensor>()
    try {
      for (const spec of specs) {
        const weight = inputOf(spec, linears)
        if (weight instanceof DeviceTensor) continue
        const lies = await this.uploads.carry(weight, bits?.get(spec.name))
        if (lies instanceof DeviceTensor) there.set(spec.name, lies)
      }
      return new Map([...linears, ...there])
    } catch (error) {
      giveBack(there.values())
      throw error
    }
  }

  release(): void {
    this.#giveBack()
  }

  #giveBack(): void {
    giveBack(Object.values(this.#there ?? {}))
    this.#there = undefined
    this.#linears = undefined
  }
}

const asInputs = (specs: readonly LinearSpec[], linears: Linears): Record<string, Tensor | DeviceTensor> =>
  Object.fromEntries(specs.map((spec) => [`${spec.name}.weight`, inputOf(spec, linears)]))

function inputOf({ name, outFeatures, inFeatures }: LinearSpec, linears: Linears): Tensor | DeviceTensor {
  const weight = linears.get(name) as Float32Array | DeviceTensor
  return weight instanceof DeviceTensor ? weight : { data: weight, shape: [outFeatures, inFeatures] }
}
