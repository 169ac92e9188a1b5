import type { DeviceName } from '../../shared/recipe'
import { DeviceMemory } from '../graph/deviceMemory'
import { type DeviceTensor, type Feeds, giveBack, type Tensor } from '../graph/session'
import type { BlockWeights } from './blockWeights'
import type { LinearSpec } from './layerBuilder'

type Linears = BlockWeights['linears']

/**
 * The weights of a block's linears as graph inputs. On a device that keeps tensors they are carried there when a second batch
 * is computed with them, and stay until a batch comes with others: a batch alone would pay for the way twice.
 */
export class ResidentWeights {
  readonly #memory: DeviceMemory
  #linears: Linears | undefined
  #there: Record<string, Tensor | DeviceTensor> | undefined

  constructor(device: DeviceName) {
    this.#memory = new DeviceMemory(device)
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
    for (const [name, tensor] of Object.entries(asInputs(specs, linears))) {
      there[name] ??= await this.#memory.upload(tensor)
    }
    return there
  }

  async release(): Promise<void> {
    this.#giveBack()
    await this.#memory.release()
  }

  #giveBack(): void {
    giveBack(Object.values(this.#there ?? {}))
    this.#there = undefined
    this.#linears = undefined
  }
}

const asInputs = (specs: readonly LinearSpec[], linears: Linears): Record<string, Tensor> =>
  Object.fromEntries(
    specs.map(({ name, outFeatures, inFeatures }) => [
      `${name}.weight`,
      { data: linears.get(name) as Float32Array, shape: [outFeatures, inFeatures] }
    ])
  )
