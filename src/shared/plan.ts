import type { Coverage } from './coverage'
import type { Finding } from './findings'
import type { KeptMoments } from './keptMoments'
import type { QuantizerSpec } from './recipe'
import type { TextTower } from './textTower'

/** What a run would do and need, computed from the checkpoint's headers, its tokenizer and the texts alone. */
export interface Plan {
  readonly model: {
    readonly directory: string
    readonly family: string
    /** Present where only the text model inside of another is prepared. */
    readonly tower?: TextTower
    /** What a trainer has to be told to leave in full precision, where it would not by itself. */
    readonly skipModules?: readonly string[]
    readonly parameters: number
    readonly bytes: number
    /** Of all tensors, that of the most parameters first. */
    readonly dtypes: readonly string[]
    /** In which a trainer must load the weights: the linears' own dtype, F32 where they have several. */
    readonly loadedAs: string
    readonly blocks: number
    readonly hiddenSize: number
    readonly vocabularySize: number
  }
  readonly quantized: { readonly linears: number; readonly parameters: number; readonly quantizers: QuantizerSpec[] }
  /** What targets can name: the last part of the linears' paths, with how many linears it means. */
  readonly targetNames: readonly { readonly name: string; readonly linears: number }[]
  readonly calibration: { readonly rows: number; readonly tokens: number }
  /** What becomes of second moments beyond the run; missing where they are not kept, or where it is not known yet. */
  readonly moments?: KeptMoments
  readonly evaluation: { readonly rows: number; readonly tokens: number }
  /** Of each evaluation text; of none where the tokens are only guessed. */
  readonly coverage: readonly Coverage[]
  readonly variants: readonly PlannedVariant[]
  /** Largest resident set that the run is expected to reach, bytes. */
  readonly peakMemoryBytes: number
  /** Bytes written below the run folder at the worst moment, and for the adapters. */
  readonly spoolBytes: number
  readonly adapterBytes: number
  readonly flops: number
  /** Estimate from the arithmetic and the speed of this machine's matrix product. */
  readonly seconds: number
  readonly speed: Speed
  /** What to know before it begins; the worst first. */
  readonly findings: readonly Finding[]
}

/** Speed of a large matrix product on the run's device. */
export interface Speed {
  readonly flopsPerSecond: number
  /** False: assumed, nothing was measured. */
  readonly measured: boolean
}

/** What a run takes, whatever its variants are. */
export type Cost = Pick<Plan, 'seconds' | 'peakMemoryBytes' | 'spoolBytes' | 'adapterBytes'>

/** The answer for a recipe that may still have faults: all that was found, and the plan as far as there is one. */
export interface Preflight {
  readonly findings: readonly Finding[]
  /** Missing where the model cannot be read at all. */
  readonly plan?: Plan | undefined
  /** By the key of the request: what the run would cost with other variants. */
  readonly alternatives: Readonly<Record<string, Cost>>
}

export interface PlannedVariant {
  readonly name: string
  readonly method: string
  readonly rank: number
  readonly scaling: number
  readonly quantizer: string
  readonly linears: number
  /** Of its factors; the most where linears have ranks of their own. */
  readonly parameters: number
  /** The least and the largest rank of a linear, where they have ranks of their own. */
  readonly ranks?: { readonly floor: number; readonly cap: number }
  /** Of a variant that is refined. */
  readonly refinement?: PlannedRefinement
  /** Seconds that the run would save without this variant. */
  readonly extraSeconds: number
}

/** What a refinement does, and what it adds to the run. */
export interface PlannedRefinement {
  readonly steps: number
  /** Rows in a step. */
  readonly batch: number
  /** Rows of the calibration set that it learns from, and that decide what is kept. */
  readonly rows: number
  readonly heldOutRows: number
  readonly seconds: number
}

/** The answer of `quail verify`: does this adapter belong on this base? */
export interface Verification {
  /** Whether nothing that was checked is wrong. */
  readonly fits: boolean
  /** Whether everything could be checked. */
  readonly complete: boolean
  readonly summary: string
  /** `ok` is null where it cannot be said. */
  readonly checks: readonly { readonly name: string; readonly ok: boolean | null; readonly detail: string }[]
  /** What to mind although it fits, one sentence each. */
  readonly notes: readonly string[]
}
