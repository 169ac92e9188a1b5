import { z } from 'zod'
import type { ComparedRun, VariantCurve } from '../compare/comparedRun'
import type { Pairing } from '../compare/pairing'
import { call } from './call'
import { Id, RowKey } from './ids'

export interface WrittenReport {
  /** A name for the file. */
  readonly name: string
  readonly html: string
}

export const MAX_COMPARED_RUNS = 5000
/** More lines than this in one chart cannot be told apart, and a report of more runs is not read. */
export const MAX_CURVES = 24
export const MAX_REPORTED_RUNS = 40

export const compareCalls = {
  /** Runs with what is compared of them, in this order; those that there are not any more are left out. */
  'compare.runs': call<ComparedRun[]>()(z.strictObject({ ids: z.array(Id).max(MAX_COMPARED_RUNS) })),
  /** How the runs' variants differ from a baseline `run/variant` of one of them, paired over the rows that both measured. */
  'compare.paired': call<Pairing>()(z.strictObject({ baseline: RowKey, ids: z.array(Id).max(MAX_COMPARED_RUNS) })),
  /** The linears of any of the runs, in the order of the model. */
  'compare.layers': call<string[]>()(z.strictObject({ ids: z.array(Id).max(MAX_COMPARED_RUNS) })),
  /** Error against rank of rows `run/variant`, on one linear or (null) summed over all. */
  'compare.curves': call<VariantCurve[]>()(
    z.strictObject({ rows: z.array(RowKey).max(MAX_CURVES), layer: z.string().max(1000).nullable() })
  ),
  /** One self-contained HTML file on these rows; a run's id stands for all of its variants. */
  'compare.report': call<WrittenReport>()(z.strictObject({ rows: z.array(RowKey).min(1).max(1000) }))
} as const
