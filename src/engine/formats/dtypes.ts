import { bytesOf } from '../numerics/bytesOf'

/*
 * Number formats of safetensors and the three that weights come in. Everything is little-endian, on disk by the format's
 * rule and in memory because every machine that onnxruntime runs on is.
 */

/**
 * Bits per element, in the ascending order by which the reference writer sorts tensors.
 *
 * Source: huggingface/safetensors 24b0b285, safetensors/src/tensor.rs, enum Dtype.
 */
const DTYPE_BITS = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64
} as const

/** Name of an element type, as it stands in a safetensors header. */
export type Dtype = keyof typeof DTYPE_BITS

/** Every dtype of the format, in the reference writer's ascending order. */
export const DTYPES = Object.keys(DTYPE_BITS) as readonly Dtype[]

/** The dtypes in which weights and factors are read and written. */
export const FLOAT_DTYPES = ['F32', 'BF16', 'F16'] as const
export type FloatDtype = (typeof FLOAT_DTYPES)[number]

export const isDtype = (value: unknown): value is Dtype => typeof value === 'string' && Object.hasOwn(DTYPE_BITS, value)

export const isFloatDtype = (dtype: Dtype): dtype is FloatDtype => (FLOAT_DTYPES as readonly Dtype[]).includes(dtype)

/** Bytes of one element; 0.5 and 0.75 for the packed F4 and F6 types, whose tensors fill whole bytes. */
export const dtypeBytes = (dtype: Dtype): number => DTYPE_BITS[dtype] / 8

/**
 * Widens bfloat16 bit patterns to float32, exactly.
 *
 * @param src - bit patterns [n]
 * @param dst - receives the values; at least n long
 */
export function bfloat16ToFloat32(src: Uint16Array, dst: Float32Array): void {
  const bits = new Int32Array(dst.buffer, dst.byteOffset, src.length)
  for (let i = 0; i < src.length; i++) bits[i] = (src[i] as number) << 16
}

/**
 * Widens float16 bit patterns to float32, exactly.
 *
 * @param src - bit patterns [n]
 * @param dst - receives the values; at least n long
 */
export function float16ToFloat32(src: Uint16Array, dst: Float32Array): void {
  float16Table ??= makeFloat16Table()
  const table = float16Table
  const bits = new Int32Array(dst.buffer, dst.byteOffset, src.length)
  for (let i = 0; i < src.length; i++) bits[i] = table[src[i] as number] as number
}

// One float32 bit pattern for each of the 65,536 halves (256 KiB); kept as integers so that NaN payloads survive.
let float16Table: Int32Array | undefined

function makeFloat16Table(): Int32Array {
  const values = new Float32Array(65536)
  const bits = new Int32Array(values.buffer)
  for (let half = 0; half < 65536; half++) {
    const sign = half & 0x8000 ? -1 : 1
    const exponent = (half >>> 10) & 31
    const mantissa = half & 1023
    if (exponent === 31) bits[half] = ((half & 0x8000) << 16) | 0x7f800000 | (mantissa << 13)
    else values[half] = sign * (exponent === 0 ? mantissa * 2 ** -24 : (1024 + mantissa) * 2 ** (exponent - 25))
  }
  return bits
}

/**
 * Rounds float32 to bfloat16, to nearest with ties to even. Values beyond the largest become infinity; NaN stays NaN.
 *
 * @param src - values [n]
 * @returns bit patterns [n]
 */
export function float32ToBfloat16(src: Float32Array): Uint16Array {
  const bits = new Int32Array(src.buffer, src.byteOffset, src.length)
  const dst = new Uint16Array(src.length)
  for (let i = 0; i < bits.length; i++) {
    const u = bits[i] as number
    const notANumber = (u & 0x7fffffff) > 0x7f800000
    // A NaN whose payload lies in the lower half would otherwise turn into an infinity: set the quiet bit.
    dst[i] = notANumber ? (u >>> 16) | 0x40 : (u + 0x7fff + ((u >>> 16) & 1)) >>> 16
  }
  return dst
}

/**
 * Rounds float32 to float16, to nearest with ties to even, with subnormals; from 65,520 on it is infinity; NaN stays NaN.
 *
 * @param src - values [n]
 * @returns bit patterns [n]
 */
export function float32ToFloat16(src: Float32Array): Uint16Array {
  const bits = new Int32Array(src.buffer, src.byteOffset, src.length)
  const dst = new Uint16Array(src.length)
  for (let i = 0; i < bits.length; i++) {
    const u = bits[i] as number
    const magnitude = u & 0x7fffffff
    dst[i] = ((u >>> 16) & 0x8000) | halfMagnitude(magnitude, src[i] as number)
  }
  return dst
}

/** Fifteen bits of the half nearest to |value|, whose float32 pattern without sign is `magnitude`. */
function halfMagnitude(magnitude: number, value: number): number {
  if (magnitude > 0x7f800000) return 0x7e00
  if (magnitude >= 0x477ff000) return 0x7c00 // |value| >= 65520: half way from the largest half to 65536
  if (magnitude >= 0x38800000) return (magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13
  // Below 2⁻¹⁴ halves are multiples of 2⁻²⁴; adding 2⁵² lets float64 round to an integer, ties to even.
  return Math.abs(value) * 2 ** 24 + 2 ** 52 - 2 ** 52
}

/**
 * Decodes stored elements to float32.
 *
 * @param bytes - elements of `dtype`, starting at an address that its width divides
 * @param dst - receives bytes.length / width values
 */
export function decodeFloats(bytes: Uint8Array, dtype: FloatDtype, dst: Float32Array): void {
  const { buffer, byteOffset, byteLength } = bytes
  if (dtype === 'F32') dst.set(new Float32Array(buffer, byteOffset, byteLength / 4))
  else if (dtype === 'BF16') bfloat16ToFloat32(new Uint16Array(buffer, byteOffset, byteLength / 2), dst)
  else float16ToFloat32(new Uint16Array(buffer, byteOffset, byteLength / 2), dst)
}

/** Bits of the exponent, which are all set in infinities and NaN and in nothing else. */
const EXPONENT_BITS: Readonly<Record<FloatDtype, number>> = { F32: 0x7f800000, BF16: 0x7f80, F16: 0x7c00 }

/**
 * Index of the first NaN or infinity among stored elements, or −1; nothing is decoded.
 *
 * @param bytes - elements of `dtype`, starting at an address that its width divides
 */
export function firstNonFiniteStored(bytes: Uint8Array, dtype: FloatDtype): number {
  const { buffer, byteOffset, byteLength } = bytes
  const mask = EXPONENT_BITS[dtype]
  const patterns =
    dtype === 'F32'
      ? new Uint32Array(buffer, byteOffset, byteLength / 4)
      : new Uint16Array(buffer, byteOffset, byteLength / 2)
  for (let i = 0; i < patterns.length; i++) if (((patterns[i] as number) & mask) === mask) return i
  return -1
}

/** Encodes float32 values as stored elements, rounding to nearest even; F32 shares the memory of `values`. */
export function encodeFloats(values: Float32Array, dtype: FloatDtype): Uint8Array {
  if (dtype === 'F32') return bytesOf(values)
  return new Uint8Array((dtype === 'BF16' ? float32ToBfloat16(values) : float32ToFloat16(values)).buffer)
}

/** The dtype of a file by the name that recipes have for it. */
export const FILE_DTYPES = { float32: 'F32', bfloat16: 'BF16', float16: 'F16' } as const
