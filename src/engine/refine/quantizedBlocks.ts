import type { QuantizerSpec } from '../../shared/recipe'
import { type BaseValues, quantizedAsRead } from '../base/baseValues'
import { type BaseWeight, codesWhere, valuesOf } from '../base/baseWeight'
import type { DeviceMemory } from '../graph/deviceMemory'
import { type DeviceTensor, giveBack } from '../graph/session'
import { type BlockWeights, readUnquantized } from '../models/blockWeights'
import type { PreparedLinear } from '../models/modelLinears'
import type { PackedUploads } from '../models/packedUploads'
import type { PreparedRun } from '../prepare/preparedRun'
import { scalesOf } from '../quantizers/absmaxScales'
import { codeBytes, keptBytes } from '../quantizers/codeBytes'
import type { QuantizedWeight, ReadableCodes } from '../quantizers/quantizer'
import { quantizerFor } from '../quantizers/registry'
import type { MemoryBudget } from './memoryBudget'
import { Shelf } from './shelf'

/**
 * The blocks of a quantized base, which a refinement goes through hundreds of times: Q is quantized once and kept as
 * float32 where the budget allows, else as codes in a file; a base that is stored is read from its own files. On a device that
 * keeps tensors codes are kept in either place, or as far as it has room, there, and Q is made of them there, for the block at
 * hand.
 */
export class QuantizedBlocks {
  readonly #kept = new Map<number, BlockWeights>()
  /** By the linear's place in the model: codes in memory, of which a device makes Q. */
  readonly #held = new Map<number, BaseWeight['held']>()
  /** By the linear's place in the model: codes that lie on the device. */
  readonly #lying = new Map<number, ReadableCodes>()
  #current: { readonly block: number; readonly weights: BlockWeights } | undefined
  /** What Q is written to again and again, by name of the linear and size. */
  readonly #buffers = new Map<string, Float32Array>()

  private constructor(
    private readonly prepared: PreparedRun,
    private readonly uploads: PackedUploads,
    private readonly spec: QuantizerSpec,
    private readonly inMemory: boolean,
    /** By the linear's place in the model. */
    private readonly codes: Shelf,
    /** Bytes of the device's memory that are left for codes. */
    private room: number
  ) {}

  /** @param uploads - to the device that computes the blocks */
  static async open(
    prepared: PreparedRun,
    uploads: PackedUploads,
    spec: QuantizerSpec,
    { path, budget, room }: KeptWhere
  ): Promise<QuantizedBlocks> {
    const weights = prepared.linears.reduce((sum, { inFeatures, outFeatures }) => sum + inFeatures * outFeatures, 0)
    const inMemory = budget.take(keptBytes(spec, prepared.recipe.device) * weights)
    return new QuantizedBlocks(prepared, uploads, spec, inMemory, await Shelf.create(path, inMemory), room)
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
    for (const codes of this.#lying.values()) codes.giveBack()
    this.#lying.clear()
    await this.codes.close()
  }

  #giveBack(): void {
    giveBack(this.#current?.weights.linears.values() ?? [])
    this.#current = undefined
  }

  /** Q of a linear. */
  async #read(linear: PreparedLinear, place: number): Promise<BaseValues['Q']> {
    const lying = this.#lying.get(place)
    if (lying !== undefined) return lying.values()
    const { memory, spec } = this
    const { weights } = this.prepared
    const size = linear.outFeatures * linear.inFeatures
    const target = this.inMemory && !memory.keepsTensors ? undefined : () => this.#buffer(linear.name, size)
    const held = await this.#codes(linear, place)
    if (held !== undefined) return this.#values(linear, place, held, target)
    const found = await quantizedAsRead(this.uploads, weights, linear, spec, target)
    await this.#keep(place, found.held as QuantizedWeight)
    return found.Q
  }

  /** Q of what is had of a linear: of codes on the device, where they lie from now on if they have room. */
  async #values(
    linear: PreparedLinear,
    place: number,
    held: BaseWeight['held'],
    target?: () => Float32Array
  ): Promise<BaseValues['Q']> {
    const codes = await codesWhere(this.memory, linear, { held }, this.spec)
    if (codes === undefined) return valuesOf(linear, { held }, this.spec, target?.())
    if (codes.bytes <= this.room) {
      await codes.stay()
      this.room -= codes.bytes
      this.#lying.set(place, codes)
      this.#held.delete(place)
    }
    return codes.values()
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

/** Where codes may be kept. */
interface KeptWhere {
  /** The file for those that the budget has no place for. */
  readonly path: string
  readonly budget: MemoryBudget
  /** Bytes of the device's memory. */
  readonly room: number
}

/** Of some bytes of the device's memory those for codes, at most half: the rest is for the states that walk over the blocks. */
export function roomOfCodes({ linears }: Pick<PreparedRun, 'linears'>, spec: QuantizerSpec, room: number): number {
  const bytes = linears.reduce(
    // A scale for each row is next to nothing, but without it the last linear had no room.
    (sum, { inFeatures, outFeatures }) => sum + codeBytes(spec) * inFeatures * outFeatures + 4 * outFeatures,
    0
  )
  return Math.floor(Math.min(room / 2, bytes))
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
