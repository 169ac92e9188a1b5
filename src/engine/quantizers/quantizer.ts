import type { QuantizerSpec } from '../../shared/recipe'
import type { DeviceMemory } from '../graph/deviceMemory'
import type { InputRounding } from '../graph/inputRounding'
import type { DeviceTensor } from '../graph/session'
import type { NestedAbsmax } from '../numerics/doubleQuantization'
import type { Matrix32 } from '../numerics/matrix'
import type { Lying } from './quantizedRows'

/** One linear's weight [out, in], flattened row-major, as codes and scales. */
export interface QuantizedWeight {
  /** As in bitsandbytes. 4-bit formats: two codes a byte, element 2j in the high nibble of byte j; int8: a code a byte. */
  readonly packed: Uint8Array
  /** The raw absmax of each block, before double quantization; int8: of each row. */
  readonly absmax: Float32Array
  /** Present with double quantization; dequantization then uses it in place of `absmax`. */
  readonly nested?: NestedAbsmax
}

/** Of a weight [out, in]. */
export type MatrixShape = Pick<Matrix32, 'rows' | 'cols'>

/** The same on a device, with what stays there: [out, in], the caller's to give back. */
export interface QuantizedThere {
  readonly quantized: QuantizedWeight
  /** What the codes stand for. */
  readonly Q: DeviceTensor
  /** W − Q. */
  readonly E: DeviceTensor
}

/**
 * Codes of a weight [out, in] as a device reads them, and for each group of them its scale: both go over the bus each time, or
 * stay there from the first time on.
 */
export interface ReadableCodes {
  /** What they take there. */
  readonly bytes: number
  /**
   * Q [out, in] there, bit for bit that of the processor; the caller's to give back.
   *
   * @throws {AppError} DEVICE with the library's reason when the device fails
   */
  values(): Promise<DeviceTensor>
  /** Carries them there, where they lie until they are given back. @throws {AppError} DEVICE when the device fails */
  stay(): Promise<void>
  giveBack(): void
}

/** One number format of the quantized base. */
export interface Quantizer {
  /**
   * Quantizes a weight whose rows have `inFeatures` elements; throws NUMERICS when it holds a NaN or an infinity (the
   * caller knows the tensor's name).
   */
  quantize(weight: Float32Array, spec: QuantizerSpec, inFeatures: number): QuantizedWeight
  /** The `length` float32 values that the codes stand for, written to `target` when given. */
  dequantize(quantized: QuantizedWeight, length: number, spec: QuantizerSpec, target?: Float32Array): Float32Array
  /**
   * Both on a device that keeps tensors, and the error beside them; undefined where it would not give the processor's bits.
   * Left out by formats that are quantized on the processor alone.
   *
   * @param lies - the weight, where it lies there already, or how it is carried there
   */
  quantizeThere?(
    memory: DeviceMemory,
    weight: Matrix32,
    spec: QuantizerSpec,
    lies?: Lying
  ): Promise<QuantizedThere | undefined>
  /** Codes [out, in] as a device that keeps tensors reads them; undefined where it would not give the processor's bits. */
  codesThere?(
    memory: DeviceMemory,
    quantized: QuantizedWeight,
    shape: MatrixShape,
    spec: QuantizerSpec
  ): Promise<ReadableCodes | undefined>
  /**
   * What the trainer's linears of this format make of their inputs before they multiply them by Q; left out where they
   * take them as they are. An adapter beside such a linear takes them as they are, too.
   */
  readonly roundInputs?: InputRounding
}
