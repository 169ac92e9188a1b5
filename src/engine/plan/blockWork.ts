import type { LinearSpec } from '../models/layerBuilder'
import type { PreparedRun } from '../prepare/preparedRun'
import { attentionFlops } from './attentionWork'
import { expertFlops } from './expertWork'

/** Multiplications and additions of all blocks for one token, forward. */
export function blockFlops(prepared: PreparedRun): number {
  const { architecture, linears, parts } = prepared
  const again = Array.from({ length: architecture.blocks }, (_, block) => parts.leading(block)).flat()
  return 2 * (weightsOf(linears) + weightsOf(again)) + attentionFlops(prepared) + expertFlops(prepared)
}

const weightsOf = (linears: readonly Pick<LinearSpec, 'inFeatures' | 'outFeatures'>[]): number =>
  linears.reduce((sum, { inFeatures, outFeatures }) => sum + inFeatures * outFeatures, 0)
