import type { Services } from '../services'
import { readReportData } from './reportData'
import { reportHtml } from './reportHtml'

/**
 * A report on rows (`run`, or `run/variant`) as one HTML file that needs nothing else, with a name for it.
 *
 * @throws {AppError} BAD_INPUT when there is no such run or variant
 */
export async function writeReport(
  services: Services,
  keys: readonly string[]
): Promise<{ readonly name: string; readonly html: string }> {
  const data = await readReportData(services, keys)
  const [first] = data.runs
  const name = data.runs.length === 1 && first ? first.run.title : `${data.runs.length} runs`
  return { name: `quail report ${name}.html`.replaceAll(' ', '-'), html: reportHtml(data) }
}
