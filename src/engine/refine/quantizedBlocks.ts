import type { QuantizerSpec } from '../../shared/recipe'
import { type BaseValues, quantizedAsRead, valuesWhere } from '../base/baseValues'
import type { BaseWeight } from '../base/baseWeight'
import type { DeviceMemory } from '../graph/deviceMemory'
import { type DeviceTensor, giveBack } from '../graph/session'
import { type BlockWeights, readUnquantized } from '../models/blockWeights'
import type { PreparedLinear } from '../models/modelLinears'
import type { PackedUploads } from '../models/packedUploads'
import type { PreparedRun } from '../prepare/preparedRun'
import { scalesOf } from '../quantizers/absmaxScales'
import { keptBytes } from '../quantizers/codeBytes'
import type { QuantizedWeight } from '../quantizers/quantizer'
import { quantizerFor } from '../quantizers/registry'
import type { MemoryBudget } from './memoryBudget'
import { Shelf } from './shelf'

/**
 * The blocks of a quantized base, which a refinement goes through hundreds of times: Q is quantized once and kept as
 * float32 where the budget allows, else as codes in a file; a base that is stored is read from its own files. On a device that
 * keeps tensors codes are kept in either place, and Q is made of them there, for the block at hand.
 */
export class QuantizedBlocks {
  readonly #kept = new Map<number, BlockWeights>()
  /** By the linear's place in the model: codes in memory, of which a device makes Q. */
  readonly #held = new Map<number, BaseWeight['held']>()
  #current: { readonly block: number; readonly weights: BlockWeights } | undefined
  /** What Q is written to again and again, by name of the linear and size. */
  readonly #buffers = new Map<string, Float32Array>()

  private constructor(
    private readonly prepared: PreparedRun,
    private readonly uploads: PackedUploads,
    private readonly spec: QuantizerSpec,
    private readonly inMemory: boolean,
    /** By the linear's place in the model. */
    private readonly codes: Shelf
  ) {}

  /** @param uploads - to the device that computes the blocks */
  static async open(
    prepared: PreparedRun,
    uploads: PackedUploads,
    spec: QuantizerSpec,
    path: string,
    budget: MemoryBudget
  ): Promise<QuantizedBlocks> {
    const weights = prepared.linears.reduce((sum, { inFeatures, outFeatures }) => sum + inFeatures * outFeatures, 0)
    const inMemory = budget.take(keptBytes(spec, prepared.recipe.device) * weights)
    return new QuantizedBlocks(prepared, uploads, spec, inMemory, await Shelf.create(path, inMemory))
  }

  /** A block's weights; unless all are kept in memory, they hold until another block is asked for. */
  async weights(block: number): Promise<BlockWeights> {
    const kept = this.#kept.get(block)
    if (kept !== undefined) return kept
    if (this.#current?.block === block) return this.#current.weights
    this.#giveBack()
    const { prepared, spec } = this
    const linears = new Map<string, Float32Array | DeviceTensor>()
    try {
      for (const [place, linear] of prepared.linears.entries()) {
        if (linear.block === block) linears.set(linear.name, await this.#read(linear, place))
      }
      const unquantized = await readUnquantized(prepared.weights, prepared.parts, block)
      const weights = { linears, ...unquantized, roundInputs: quantizerFor(spec).roundInputs }
      if (this.inMemory && !this.memory.keepsTensors) this.#kept.set(block, weights)
      else this.#current = { block, weights }
      return weights
    } catch (error) {
      giveBack(linears.values())
      throw error
    }
  }

  private get memory(): DeviceMemory {
    return this.uploads.memory
  }

  async close(): Promise<void> {
    this.#giveBack()
    this.#kept.clear()
    this.#held.clear()
    await this.codes.close()
  }

  #giveBack(): void {
    giveBack(this.#current?.weights.linears.values() ?? [])
    this.#current = undefined
  }

  /** Q of a linear. */
  async #read(linear: PreparedLinear, place: number): Promise<BaseValues['Q']> {
    const { memory, spec } = this
    const { weights } = this.prepared
    const size = linear.outFeatures * linear.inFeatures
    const target = this.inMemory && !memory.keepsTensors ? undefined : () => this.#buffer(linear.name, size)
    const held = await this.#codes(linear, place)
    if (held !== undefined) return valuesWhere(memory, linear, { held }, spec, target)
    const found = await quantizedAsRead(this.uploads, weights, linear, spec, target)
    await this.#keep(place, found.held as QuantizedWeight)
    return found.Q
  }

  /** Its codes, or what a base that is stored has in their place; undefined where they are still to be made. */
  async #codes(linear: PreparedLinear, place: number): Promise<BaseWeight['held'] | undefined> {
    const held = this.#held.get(place)
    if (held !== undefined) return held
    const { base } = this.prepared
    if (base === undefined) return this.codes.has(place) ? unpack(await this.codes.get(place)) : undefined
    const found = (await base.read(linear)).held
    if (this.inMemory && this.memory.keepsTensors) this.#held.set(place, found)
    return found
  }

  /** Where Q is kept, nobody asks for the codes again. */
  async #keep(place: number, quantized: QuantizedWeight): Promise<void> {
    if (!this.inMemory) await this.codes.put(place, pack(quantized))
    else if (this.memory.keepsTensors) this.#held.set(place, scaled(quantized))
  }

  #buffer(name: string, size: number): Float32Array {
    const key = `${name} ${size}`
    const buffer = this.#buffers.get(key) ?? new Float32Array(size)
    this.#buffers.set(key, buffer)
    return buffer
  }
}

/** The same with the scales that dequantization multiplies by, and without what they were. */
const scaled = (quantized: QuantizedWeight): QuantizedWeight => ({
  packed: quantized.packed,
  absmax: scalesOf(quantized)
})

/** Number of scales, the scales that dequantization multiplies by, codes: each where a multiple of four begins. */
function pack(quantized: QuantizedWeight): Uint8Array {
  const { packed, absmax: scales } = scaled(quantized)
  const bytes = new Uint8Array(4 + 4 * scales.length + packed.length)
  new Uint32Array(bytes.buffer, 0, 1)[0] = scales.length
  new Float32Array(bytes.buffer, 4, scales.length).set(scales)
  bytes.set(packed, 4 + 4 * scales.length)
  return bytes
}

function unpack({ buffer, byteOffset, byteLength }: Uint8Array): QuantizedWeight {
  const [count = 0] = new Uint32Array(buffer, byteOffset, 1)
  const absmax = new Float32Array(buffer, byteOffset + 4, count)
  return { packed: new Uint8Array(buffer, byteOffset + 4 + 4 * count, byteLength - 4 - 4 * count), absmax }
}
