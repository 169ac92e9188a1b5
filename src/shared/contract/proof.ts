import { z } from 'zod'
import type { AcceptanceResult } from '../acceptance'
import type { RankChoice } from '../rankBudget'
import type { Recipe } from '../recipe'
import type { MaybeRefined } from '../refinementWords'
import type { DeviceFailure, LayerResult, RunEvent } from '../runEvents'
import type { ResolvedText } from '../runFolder'
import type { SweepDefinition } from '../sweep'
import { call } from './call'
import { Id } from './ids'
import type { RunLayer, RunListEntry, RunVariant } from './runs'

/* What the page of one run shows. It grows while the run goes; the page asks again when it hears of the run. */

export interface ProofVariant extends RunVariant, MaybeRefined {
  readonly scaling: number
  /** What became of its rank budget; null without one, and until it is known. */
  readonly ranks: RankChoice | null
  /** What of it held-out rows found to help; null where they are not asked, and until it is known. */
  readonly acceptance: AcceptanceResult | null
  /** Of adapter_model.safetensors; null until it is exported. */
  readonly bytes: number | null
  readonly sha256: string | null
}

/** A run with what its events tell beyond its row; perplexities are there as soon as they are measured. */
export interface RunProof extends Omit<RunListEntry, 'variants'> {
  readonly variants: readonly ProofVariant[]
  readonly recipe: Recipe
  /** The recipe as the command line reads it. */
  readonly recipeText: string
  readonly calibration: readonly ResolvedText[]
  readonly evaluation: readonly ResolvedText[]
  /** What the engine found to do; null before it looked. */
  readonly planned: Omit<Extract<RunEvent, { type: 'planned' }>, 'type' | 'run' | 'seq' | 'atMs'> | null
  /** Over all attempts. */
  readonly blocksDone: number
  readonly versions: { readonly quail: string; readonly onnxruntime?: string; readonly node?: string }
  /** Where it was computed, when the device failed and the run went on on the processor. */
  readonly deviceFailure?: DeviceFailure | undefined
  /** The sweep that it is a run of. */
  readonly sweep?: Pick<SweepDefinition, 'id' | 'name'>
  readonly warnings: readonly Pick<Extract<RunEvent, { type: 'warning' }>, 'code' | 'message' | 'severity'>[]
}

/** The figures of one linear and one variant, without what only its drawer shows. */
export interface LayerRow extends Omit<LayerResult, 'eigenvalues' | 'errors' | 'channels'> {
  readonly variant: string
  readonly block: number | null
  /** Rank of the best correction that reaches 90 % of what this variant's rank can gain. */
  readonly rankFor90: number
}

export const proofCalls = {
  'proof.run': call<RunProof>()(z.strictObject({ id: Id })),
  'proof.layers': call<LayerRow[]>()(z.strictObject({ id: Id })),
  'proof.layer': call<RunLayer[]>()(z.strictObject({ id: Id, layer: z.string().min(1).max(1000) }))
} as const
