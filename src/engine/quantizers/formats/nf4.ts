import { fourBitQuantizer } from '../fourBit'

/**
 * The sixteen NF4 levels in code order, each exactly a float32.
 *
 * Source: bitsandbytes `get_4bit_type("nf4")`; SHA-256 of the 64 little-endian bytes
 * 8501941daa1b8a90ad1bbfeb632e5101b5dddbc4bb52d6e55abcfd777e60c06a.
 */
export const NF4_LEVELS: Float32Array = Float32Array.of(
  -1.0,
  -0.6961928009986877,
  -0.5250730514526367,
  -0.39491748809814453,
  -0.28444138169288635,
  -0.18477343022823334,
  -0.09105003625154495,
  0.0,
  0.07958029955625534,
  0.16093020141124725,
  0.24611230194568634,
  0.33791524171829224,
  0.44070982933044434,
  0.5626170039176941,
  0.7229568362236023,
  1.0
)

/**
 * 4-bit NormalFloat. bf16 weights get the codes that CUDA gives too (no ratio comes nearer than 14 ulps to a threshold),
 * all-zero blocks apart.
 */
export const quantizer = fourBitQuantizer(NF4_LEVELS)
