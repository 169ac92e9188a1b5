import type { FactorDtype, FourBitSpec } from './recipe'

/** What is asked for when the quantized base is written as a checkpoint of its own. */
export interface BaseExportRequest {
  /** Directory of the full-precision checkpoint. */
  readonly model: string
  /** A new or empty directory. */
  readonly out: string
  readonly quantizer: FourBitSpec
  /** What the weights are rounded to before they are quantized, and what stays in full precision is stored in. */
  readonly dtype: FactorDtype
  /** `bnb_4bit_compute_dtype`: what a trainer computes in. */
  readonly computeDtype: FactorDtype
  /** Bytes of a weight file; a linear is never divided, so a file may be larger than this when one linear is. */
  readonly maxShardBytes: number
}

/** The checkpoint that was written. */
export interface BaseExport {
  readonly path: string
  readonly weightFiles: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[]
  /** Names of the other files. */
  readonly otherFiles: readonly string[]
  readonly bytes: number
  readonly parameters: number
  readonly linears: number
  /** As in the proof of an adapter that was made for this base. */
  readonly fingerprint: { readonly algorithm: string; readonly codes: string; readonly absmax: string }
  /** What the user should know, one sentence each. */
  readonly notes: readonly string[]
}
