export { type Cell, toCsv } from '../../shared/csv'

import type { ValueTable } from '../../shared/csv'

/** What a chart shows, as a table: for people who read rather than look, and for export. */
export type ChartTable = ValueTable
