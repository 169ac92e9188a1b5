import type { AcceptanceResult } from '../acceptance'
import type { RankChoice } from '../rankBudget'
import type { Recipe } from '../recipe'
import type { MaybeRefined } from '../refinementWords'
import type { Perplexities, RunStatus } from '../runEvents'
import type { Treatment } from '../treatment'

/** A run as comparisons need it: its settings and figures, without the layers. */
export interface ComparedRun {
  readonly id: string
  /** The recipe's name, or the id. */
  readonly title: string
  readonly status: RunStatus
  readonly createdAtMs: number
  /** Time that processes spent on it, over all attempts; null when its events are not known (a rebuilt database). */
  readonly workedMs: number | null
  /** Directory of the checkpoint. */
  readonly model: string
  readonly tags: readonly string[]
  readonly notes: string
  readonly quailVersion: string
  readonly recipe: Recipe
  /** The files behind the recipe's texts: the same path may hold another text by now. */
  readonly texts: { readonly calibration: readonly TextDigest[]; readonly evaluation: readonly TextDigest[] }
  readonly variants: readonly ComparedVariant[]
  /** By evaluation text; empty until they are measured. */
  readonly perplexity: Readonly<Record<string, Perplexities>>
}

export interface TextDigest {
  readonly name: string
  readonly sha256: string
}

export interface ComparedVariant extends MaybeRefined, Treatment {
  readonly name: string
  readonly method: string
  readonly rank: number
  readonly quantizer: string
  /** What became of its rank budget; missing without one, and until it is known. */
  readonly ranks?: RankChoice | undefined
  /** What of it held-out rows found to help; missing where they were not asked. */
  readonly acceptance?: AcceptanceResult | undefined
  /** Over the layers that are done, of the start where it was refined; null while none is. */
  readonly totals: VariantTotals | null
}

/** Sums over the linears of one variant. */
export interface VariantTotals {
  readonly layers: number
  readonly loss: number
  readonly lossRank0: number
  /** Mean over the linears of 1 − loss / loss at rank 0, where there is a loss; null when there is none anywhere. */
  readonly meanRemoved: number | null
  /** Sum of the linears' inputs and outputs: times the rank it is the adapter's number of parameters. */
  readonly width: number
}

/** Calibrated error of one variant on one linear, or summed over all of them. */
export interface VariantCurve extends Treatment {
  readonly run: string
  readonly variant: string
  readonly method: string
  readonly rank: number
  readonly quantizer: string
  /** Whether the loss is that of the start of a refinement, and not the adapter's. */
  readonly ofStart: boolean
  readonly loss: number
  readonly lossRank0: number
  /** What each further rank can remove at most; in a sum every linear gets the same rank. */
  readonly eigenvalues: readonly number[]
}
