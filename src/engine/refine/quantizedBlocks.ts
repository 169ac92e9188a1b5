import type { QuantizerSpec } from '../../shared/recipe'
import { valuesOf } from '../base/baseWeight'
import { quantizeLinear } from '../base/quantizeLinear'
import { type BlockWeights, readUnquantized } from '../models/blockWeights'
import type { PreparedLinear } from '../models/modelLinears'
import { dequantizeAbsmax } from '../numerics/doubleQuantization'
import type { PreparedRun } from '../prepare/preparedRun'
import type { QuantizedWeight } from '../quantizers/quantizer'
import { quantizerFor } from '../quantizers/registry'
import type { MemoryBudget } from './memoryBudget'
import { Shelf } from './shelf'

/**
 * The blocks of a quantized base, which a refinement goes through hundreds of times: Q is quantized once and kept as
 * float32 where the budget allows, else as codes in a file; a base that is stored is read from its own files.
 */
export class QuantizedBlocks {
  readonly #kept = new Map<number, BlockWeights>()
  /** What Q is written to again and again, by name of the linear and size. */
  readonly #buffers = new Map<string, Float32Array>()

  private constructor(
    private readonly prepared: PreparedRun,
    private readonly spec: QuantizerSpec,
    private readonly inMemory: boolean,
    /** By the linear's place in the model. */
    private readonly codes: Shelf
  ) {}

  static async open(
    prepared: PreparedRun,
    spec: QuantizerSpec,
    path: string,
    budget: MemoryBudget
  ): Promise<QuantizedBlocks> {
    const weights = prepared.linears.reduce((sum, { inFeatures, outFeatures }) => sum + inFeatures * outFeatures, 0)
    const inMemory = budget.take(4 * weights)
    return new QuantizedBlocks(prepared, spec, inMemory, await Shelf.create(path, inMemory))
  }

  /** A block's weights; unless all are kept in memory, they hold until the next block is asked for. */
  async weights(block: number): Promise<BlockWeights> {
    const kept = this.#kept.get(block)
    if (kept !== undefined) return kept
    const { prepared, spec } = this
    const linears = new Map<string, Float32Array>()
    for (const [place, linear] of prepared.linears.entries()) {
      if (linear.block === block) linears.set(linear.name, await this.#read(linear, place))
    }
    const unquantized = await readUnquantized(prepared.weights, prepared.parts, block)
    const weights = { linears, ...unquantized, roundInputs: quantizerFor(spec).roundInputs }
    if (this.inMemory) this.#kept.set(block, weights)
    return weights
  }

  async close(): Promise<void> {
    this.#kept.clear()
    await this.codes.close()
  }

  /** Q of a linear. */
  async #read(linear: PreparedLinear, place: number): Promise<Float32Array> {
    const { base, weights } = this.prepared
    if (base !== undefined) return valuesOf(linear, await base.read(linear), this.spec)
    if (this.inMemory) {
      const weight = await weights.readLinear(linear.path, linear)
      return valuesOf(linear, await quantizeLinear(base, linear, weight, this.spec), this.spec)
    }
    const quantizer = quantizerFor(this.spec)
    if (!this.codes.has(place)) {
      const weight = await weights.readLinear(linear.path, linear)
      await this.codes.put(place, pack(quantizer.quantize(weight, this.spec, linear.inFeatures)))
    }
    const size = linear.outFeatures * linear.inFeatures
    const quantized = unpack(await this.codes.get(place))
    return quantizer.dequantize(quantized, size, this.spec, this.#buffer(linear.name, size))
  }

  #buffer(name: string, size: number): Float32Array {
    const key = `${name} ${size}`
    const buffer = this.#buffers.get(key) ?? new Float32Array(size)
    this.#buffers.set(key, buffer)
    return buffer
  }
}

/** Number of scales, the scales that dequantization multiplies by, codes: each where a multiple of four begins. */
function pack({ packed, absmax, nested }: QuantizedWeight): Uint8Array {
  const scales = nested === undefined ? absmax : dequantizeAbsmax(nested)
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
