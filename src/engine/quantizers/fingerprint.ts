import type { LinearFingerprint } from '../../shared/runFolder'
import { encodeFloats } from '../formats/dtypes'
import { sha256 } from '../formats/files'
import type { QuantizedWeight } from './quantizer'

/*
 * What the quantized base was assumed to be, in two digests that anybody with bitsandbytes can recompute on CPU.
 *
 * Per linear, with W, block size and format as the fingerprint names them, W on CPU (CUDA has other FP4 codes: fp4.ts):
 *     from bitsandbytes.functional import quantize_4bit
 *     packed, state = quantize_4bit(W, blocksize=64, quant_type="nf4", compress_statistics=False)
 *     codes  = sha256(packed.numpy().tobytes())            the packed bytes, element 2j in the high nibble
 *     absmax = sha256(state.absmax.numpy().tobytes())      raw float32, little-endian, before double quantization
 * int8: codes, absmax, _ = int8_vectorwise_quant(W.to(torch.float16)), of which the bytes are digested likewise.
 * Of the model: sha256 of the lines name + " " + digest + "\n" of all linears (lower-case hexadecimal, UTF-8),
 * sorted by name in byte order; once over the codes, once over the absmax values.
 * Double quantization does not enter: its 8-bit absmax codes are not defined to the last bit across devices.
 * `resources/check_fingerprint.py` does exactly this.
 */

/** Names the recipe above; a change of it needs a new name. */
export const FINGERPRINT_ALGORITHM = 'sha256-linears-1'

/**
 * The same digests of what a pre-quantized checkpoint holds: the bytes of `<module>.weight`, and the absmax values as
 * float32, after their own quantization is undone where there is one. A linear in full precision has the digest of its
 * float32 values as codes and that of nothing as absmax.
 */
export const STORED_FINGERPRINT_ALGORITHM = 'sha256-stored-linears-1'

export interface ModelFingerprint {
  readonly algorithm: string
  readonly codes: string
  readonly absmax: string
}

/** Digests of one quantized linear; `name` is its module path. */
export const fingerprintLinear = (name: string, quantized: QuantizedWeight): LinearFingerprint => ({
  name,
  codes: sha256(quantized.packed),
  absmax: sha256(encodeFloats(quantized.absmax, 'F32'))
})

/** Digests over all linears, whatever order they come in. */
export function fingerprintModel(
  linears: readonly LinearFingerprint[],
  algorithm = FINGERPRINT_ALGORITHM
): ModelFingerprint {
  const sorted = [...linears].sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
  const digest = (key: 'codes' | 'absmax') => sha256(sorted.map((linear) => `${linear.name} ${linear[key]}\n`).join(''))
  return { algorithm, codes: digest('codes'), absmax: digest('absmax') }
}
