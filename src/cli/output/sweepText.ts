import type { SweepPlan } from '../../services/sweep/planSweep'
import { durationText } from '../../shared/durationText'
import { errorWords } from '../../shared/sweep/estimates'
import { type Sweep, sweepResults } from '../../shared/sweep/results'
import { type SweepTable, sweepTables } from '../../shared/sweep/tables'
import { plural } from './numbers'
import { planText } from './planText'
import { formatSize } from './sizes'
import { renderPairs, renderTable } from './table'

/** What a sweep would do and need, for people: one run in full, then all together. */
export function sweepPlanText(plan: SweepPlan): string[] {
  const [first] = plan.sets
  const perSet = plan.runs / plan.sets.length
  const labels = plan.sets.map(({ label }) => label).join(', ')
  return [
    ...(first === undefined ? [] : [`One run, calibrated on ${first.label}:`, ...planText(first.plan)]),
    '',
    ...renderPairs([
      ['sweep', `${plural(plan.runs, 'run')}, one after the other: ${plural(perSet, 'seed')} of ${labels}`],
      ['memory', `about ${formatSize(plan.peakMemoryBytes)} at most`],
      ['disk', `${formatSize(plan.spoolBytes)} while it works, ${formatSize(plan.adapterBytes)} for all adapters`],
      ['time', `about ${durationText(1000 * plan.seconds)}`]
    ])
  ]
}

/** What a sweep found, for people. */
export function sweepText({ definition, runs, completed, total }: Sweep): string[] {
  const tables = sweepTables(definition, sweepResults(definition, runs))
  return [
    `${definition.name}: ${completed} of ${plural(total, 'run')}. ${errorWords(definition.seeds)}`,
    '',
    ...tables.flatMap((table) => [...tableText(table), ''])
  ]
}

function tableText({ title, columns, names, rows, note }: SweepTable): string[] {
  const aligned = columns.map((column, i) => ({ title: column, ...(i >= names && { align: 'right' as const }) }))
  return [title, '', ...renderTable(aligned, rows), ...(note === undefined ? [] : [`${note}.`])]
}
