import type { PreparedRun } from '../prepare/preparedRun'
import { attentionFlops } from './attentionWork'
import { expertFlops } from './expertWork'

/** Multiplications and additions of all blocks for one token, forward. */
export function blockFlops(prepared: PreparedRun): number {
  const weights = prepared.linears.reduce((sum, { inFeatures, outFeatures }) => sum + inFeatures * outFeatures, 0)
  return 2 * weights + attentionFlops(prepared) + expertFlops(prepared)
}
