import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { fileError, isMissing, writeFileAtomic } from '../../engine/formats/files'
import { toCsv } from '../../shared/csv'
import { badInput } from '../../shared/errors'
import { quantizerResults } from '../../shared/headline'
import { markdownText } from '../../shared/quoting'
import { placeOf, placeText, type SweepDefinition } from '../../shared/sweep'
import { errorWords } from '../../shared/sweep/estimates'
import { type Sweep, type SweptRun, sweepResults } from '../../shared/sweep/results'
import { type SweepTable, sweepTables } from '../../shared/sweep/tables'

/** The files of a report, beside the adapters. */
export const SWEEP_FILES = { csv: 'sweep.csv', markdown: 'README.md', json: 'sweep.json' } as const

/**
 * Writes what a sweep found so far into its directory: every seed's figures as CSV, tables as Markdown, and both with the
 * definition as JSON. Files of an earlier report are replaced. The directory is that of the adapters: where it is gone, with a
 * disk that was taken away, another one in its place would hold a report without them.
 *
 * @returns the paths
 * @throws {AppError} BAD_INPUT when no run is completed, or the directory is not there; IO
 */
export async function writeSweepReport(sweep: Sweep): Promise<string[]> {
  const { out } = sweep.definition
  await assertReportable(sweep)
  const texts = {
    [SWEEP_FILES.csv]: sweepCsv(sweep),
    [SWEEP_FILES.markdown]: sweepMarkdown(sweep),
    [SWEEP_FILES.json]: `${JSON.stringify(sweepJson(sweep), null, 2)}\n`
  }
  for (const [name, text] of Object.entries(texts)) await writeFileAtomic(join(out, name), text)
  return Object.keys(texts).map((name) => join(out, name))
}

async function assertReportable({ completed, definition: { id, out } }: Sweep): Promise<void> {
  if (completed === 0) throw badInput(`no run of the sweep ${id} is completed, so there is nothing to report`)
  try {
    await access(out)
  } catch (error) {
    if (!isMissing(error)) throw fileError(error, out)
    throw badInput(
      `${out}, where the adapters of the sweep ${id} were written, is not there any more; connect its disk, or make this folder to have the report alone`
    )
  }
}

/** Everything that is known of a sweep, as one value. */
export const sweepJson = ({ definition, runs, completed, total, model, createdAtMs }: Sweep): object => ({
  version: 1,
  definition,
  ...{ model, createdAtMs, completed, total },
  errors: errorWords(definition.seeds),
  runs: runs.map(({ id, index, status }) => ({ id, ...named(definition, index), status })),
  ...sweepResults(definition, runs)
})

const named = (definition: SweepDefinition, index: number) => {
  const { set, seed } = placeOf(definition, index)
  return { set: set.label, seed }
}

const COLUMNS = [
  ...[
    'calibration set',
    'seed',
    'evaluation text',
    'own kind',
    'variant',
    'method',
    'ranks by layer',
    'refined',
    'quantizer',
    'rank'
  ],
  ...['full precision', 'quantized', 'perplexity', 'perplexity standard error'],
  ...['gap closed', 'gap closed standard error', 'KL divergence', 'KL divergence standard error'],
  ...['same top token', 'same top token standard error', 'run']
]

/** One line for each run, evaluation text and variant, with all digits; standard errors are over rows. */
function sweepCsv({ definition, runs }: Sweep): string {
  const done = runs.filter(({ status }) => status === 'completed')
  return toCsv({ columns: COLUMNS, rows: done.flatMap((run) => csvRows(definition, run)) })
}

function csvRows(definition: SweepDefinition, { id, index, evaluation, perplexity, variants }: SweptRun) {
  const { set, seed } = named(definition, index)
  return evaluation.flatMap((text, place) => {
    const measured = perplexity[text]
    const results = measured === undefined ? [] : quantizerResults(measured, variants)
    const own = definition.evaluation[place] === set ? 'yes' : 'no'
    return results.flatMap(({ fullPrecision, quantized, distinctGap, variants: figures }) =>
      figures.map(({ variant, perplexity: reached, gapClosed, statistics: s }) => [
        ...[set, seed, text, own, variant.name, variant.method],
        ...[variant.ranksByLayer ? 'yes' : 'no', variant.refined ? 'yes' : 'no'],
        ...[variant.quantizer, variant.rank, fullPrecision, quantized, reached, s?.standardError ?? null],
        ...(distinctGap === false ? [null, null] : [gapClosed ?? null, s?.gapClosed?.standardError ?? null]),
        ...[s?.klDivergence.mean ?? null, s?.klDivergence.standardError ?? null],
        ...[s?.sameTopToken.share ?? null, s?.sameTopToken.standardError ?? null, id]
      ])
    )
  })
}

function sweepMarkdown(sweep: Sweep): string {
  const { definition, runs, completed, total, model } = sweep
  const done = runs.filter(({ status }) => status === 'completed').map(({ index }) => placeText(definition, index))
  const tables = sweepTables(definition, sweepResults(definition, runs))
  return [
    `# ${markdownText(definition.name)}`,
    '',
    `Model ${markdownText(model)}, ${completed} of ${total} runs${completed < total ? `: ${markdownText(done.join('; ') || 'none')}` : ''}.`,
    '',
    errorWords(definition.seeds),
    '',
    ...tables.flatMap((table) => [...markdownTable(table), ''])
  ].join('\n')
}

function markdownTable({ title, columns, names, rows, note }: SweepTable): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.map(markdownText).join(' | ')} |`
  return [
    ...[
      `## ${markdownText(title)}`,
      '',
      line(columns),
      `|${columns.map((_, i) => (i < names ? '---|' : '--:|')).join('')}`
    ],
    ...rows.map(line),
    ...(note === undefined ? [] : ['', `${markdownText(note)}.`])
  ]
}
