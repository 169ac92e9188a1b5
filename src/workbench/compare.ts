import { comparedRuns, variantCurves } from '../services/compare/comparedRuns'
import { pairedWith } from '../services/compare/pairedRows'
import { writeReport } from '../services/report/report'
import type { compareCalls } from '../shared/contract/compare'
import { listLayers } from '../store/comparison'
import type { WorkbenchContext } from './context'
import type { HandlersOf } from './handler'

/** Variants of any runs side by side, and the report on them. */
export const compareHandlers = ({ services }: WorkbenchContext): HandlersOf<typeof compareCalls> => ({
  'compare.runs': ({ ids }) => comparedRuns(services, ids),
  'compare.paired': async ({ baseline, ids }) => pairedWith(services, baseline, await comparedRuns(services, ids)),
  'compare.layers': ({ ids }) => listLayers(services.store, ids),
  'compare.curves': ({ rows, layer }) => variantCurves(services, rows, layer),
  'compare.report': ({ rows }) => writeReport(services, rows)
})
