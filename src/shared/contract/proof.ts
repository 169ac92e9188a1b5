import { z } from 'zod'
import type { SerializedError } from '../errors'
import type { Recipe } from '../recipe'
import type { LayerResult, Perplexities, RunEvent, RunStatus } from '../runEvents'
import type { ResolvedText } from '../runFolder'
import { call } from './call'

/* What the page of one run shows. It grows while the run goes; the page asks again when it hears of the run. */

export interface ProofVariant {
  readonly name: string
  readonly method: string
  readonly rank: number
  readonly scaling: number
  readonly quantizer: string
  /** Directory of the adapter; null until it is exported. */
  readonly adapter: string | null
  /** Of adapter_model.safetensors. */
  readonly bytes: number | null
  readonly sha256: string | null
}

export interface RunProof {
  readonly id: string
  readonly title: string
  readonly project: string
  readonly status: RunStatus
  /** 1, and one more each time the run is resumed. */
  readonly attempt: number
  readonly createdAtMs: number
  readonly finishedAtMs: number | null
  readonly model: string
  readonly out: string
  readonly recipe: Recipe
  /** The recipe as the command line reads it. */
  readonly recipeText: string
  readonly calibration: readonly ResolvedText[]
  readonly evaluation: readonly ResolvedText[]
  readonly variants: readonly ProofVariant[]
  /** Of the texts that are evaluated so far. */
  readonly perplexity: Readonly<Record<string, Perplexities>>
  readonly error: SerializedError | null
  /** What the engine found to do; null before it looked. */
  readonly planned: Omit<Extract<RunEvent, { type: 'planned' }>, 'type' | 'run' | 'seq' | 'atMs'> | null
  /** Over all attempts. */
  readonly blocksDone: number
  readonly workedMs: number
  readonly versions: { readonly quail: string; readonly onnxruntime?: string; readonly node?: string }
  readonly warnings: readonly { readonly code: string; readonly message: string }[]
}

/** The figures of one linear and one variant, without what only its drawer shows. */
export interface LayerRow extends Omit<LayerResult, 'eigenvalues' | 'errors' | 'channels'> {
  readonly variant: string
  readonly block: number | null
  /** Rank of the best correction that reaches 90 % of what this variant's rank can gain. */
  readonly rankFor90: number
}

export interface LayerProof {
  readonly variant: string
  readonly block: number | null
  readonly result: LayerResult
}

/** An event as the log shows it; of layer results it has names only. */
export interface LogEntry {
  readonly position: number
  readonly attempt: number
  readonly event: RunEvent
}

const Id = z.string().min(1).max(200)

export const proofCalls = {
  'proof.run': call<RunProof>()(z.strictObject({ id: Id })),
  'proof.layers': call<LayerRow[]>()(z.strictObject({ id: Id })),
  'proof.layer': call<LayerProof[]>()(z.strictObject({ id: Id, layer: z.string().min(1).max(1000) })),
  /** All but progress within a phase, from the first. */
  'proof.log': call<LogEntry[]>()(z.strictObject({ id: Id }))
} as const
