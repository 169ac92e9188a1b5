import { importCalibration } from '../../services/calibrationService'
import { holdOut } from '../../services/holdOut'
import { sampleThread } from '../../services/samples/sampleThread'
import { badInput } from '../../shared/errors'
import { SAMPLE_KINDS, SampleShape, SPLITS } from '../../shared/samples'
import { type CalibrationSet, deleteSet, getSet, listSets, readSamples } from '../../store/calibrationSets'
import { giveBackSpace } from '../../store/space'
import { EXIT, type ExitCode, type Invocation } from '../grammar/command'
import type { CommandContext } from '../grammar/commandContext'
import { flag, integer, oneOf, optional, text, withDefault } from '../grammar/options'
import { formatCount, formatShare, formatTime, plural } from '../output/numbers'
import { printJson } from '../output/printJson'
import { renderPairs, renderTable } from '../output/table'

const json = flag('print the answer as JSON')

export const importOptions = {
  name: optional('NAME', text, "name of the set (default: the file's name)"),
  split: optional('HOW', oneOf(SPLITS), 'how plain text becomes samples: document (default), paragraph, line'),
  columns: optional(
    'SHAPE',
    text,
    'what holds the samples (default: guessed), as text=COLUMN, messages=COLUMN, conversations=COLUMN, prompt=COLUMN,completion=COLUMN or instruction=COLUMN,input=COLUMN,output=COLUMN; beside them system=COLUMN, tools=COLUMN, documents=COLUMN, history=COLUMN'
  ),
  sample: optional('N', integer(1), 'take N of the samples, chosen by chance'),
  seed: withDefault('N', integer(0), 0, 'seed of that chance'),
  json
} as const

/** `quail calibration import`: one set from each file. */
export async function importAction(
  { options, positionals }: Invocation<typeof importOptions>,
  context: CommandContext
): Promise<ExitCode> {
  const { terminal } = context
  const { name, split, columns, sample, seed } = options
  const shape = columns === undefined ? undefined : parseShape(columns)
  const sampling = sample === undefined ? undefined : { count: sample, seed }
  if (name !== undefined && positionals.length > 1) {
    throw badInput('--name is for one file; every file becomes a set of its own')
  }
  const { store } = await context.services()
  const thread = sampleThread(context.workerUrl)
  const reports = []
  for (const file of positionals) {
    const onShare = (share: number): void => terminal.draw(`reading ${file}, ${formatShare(share)}`)
    const request = { file, thread, name, split, shape, sampling, signal: context.signal, onShare }
    const report = await importCalibration(store, request).finally(() => terminal.draw(''))
    reports.push({ ...report.set, badRows: report.badRows, notes: report.notes })
    if (options.json) continue
    terminal.print(`stored ${report.set.name}: ${sizeText(report.set)}, from ${file}`)
    for (const { row, reason } of report.badRows.slice(0, 20)) terminal.note(`${file}: row ${row} left out: ${reason}`)
    for (const note of report.notes) terminal.note(`${file}: ${note}`)
    if (report.badRows.length > 20) terminal.note(`${file}: ${report.badRows.length - 20} more rows left out`)
  }
  if (options.json) printJson(terminal, reports.length === 1 ? reports[0] : reports)
  else terminal.print(`Use it with --calibration set:${reports[0]?.name}`)
  return EXIT.done
}

/** `prompt=question,completion=answer` as a shape. @throws {AppError} BAD_INPUT */
function parseShape(columns: string): SampleShape {
  const named = Object.fromEntries(columns.split(',').map((part) => part.split('=', 2).map((word) => word.trim())))
  const kind = SAMPLE_KINDS.find((one) => one in named)
  const parsed = SampleShape.safeParse({ kind, ...named })
  if (parsed.success) return parsed.data
  throw badInput(
    `--columns ${columns} is not a shape; ${SAMPLE_KINDS.join(', ')} name what a column holds, as in text=body`
  )
}

export const listOptions = { json } as const

/** `quail calibration list`. */
export async function listSetsAction(
  { options }: Invocation<typeof listOptions>,
  context: CommandContext
): Promise<ExitCode> {
  const { terminal } = context
  const { store } = await context.services()
  const sets = await listSets(store)
  if (options.json) printJson(terminal, sets)
  else if (sets.length === 0)
    terminal.print('No calibration set is stored yet; "quail calibration import FILE" stores one.')
  else {
    const columns = [
      { title: 'name' },
      { title: 'samples', align: 'right' as const },
      { title: 'characters', align: 'right' as const },
      { title: 'imported' },
      { title: 'from' }
    ]
    const rows = sets.map((set) => [
      set.name,
      formatCount(set.sampleCount),
      formatCount(set.characterCount),
      formatTime(set.importedAtMs),
      set.source.path
    ])
    for (const line of renderTable(columns, rows)) terminal.print(line)
  }
  return EXIT.done
}

export const showSetOptions = {
  samples: withDefault('N', integer(0), 3, 'samples to show'),
  json
} as const

/** `quail calibration show`: provenance and the first samples. */
export async function showSetAction(
  { options, positionals: [name = ''] }: Invocation<typeof showSetOptions>,
  context: CommandContext
): Promise<ExitCode> {
  const { terminal } = context
  const { store } = await context.services()
  const set = await getSet(store, name)
  const samples = options.samples === 0 ? [] : await readSamples(store, name, { limit: options.samples })
  if (options.json) {
    printJson(terminal, { ...set, samples })
    return EXIT.done
  }
  const pairs: [string, string][] = [
    ['name', set.name],
    ['holds', sizeText(set)],
    ['imported', formatTime(set.importedAtMs)],
    ['from', set.source.path],
    ['source sha256', set.source.sha256],
    ['content sha256', set.contentSha256],
    ['meant for', `${set.policy} rows${set.hints.split === undefined ? '' : `, cut by ${String(set.hints.split)}`}`]
  ]
  for (const line of renderPairs(pairs)) terminal.print(line)
  for (const { position, text: sample } of samples) {
    terminal.print()
    terminal.print(`sample ${position + 1}: ${excerpt(sample)}`)
  }
  return EXIT.done
}

export const splitOptions = {
  share: withDefault('PART', share, 0.1, 'part that is held out for evaluation, between 0 and 1'),
  seed: withDefault('N', integer(0), 0, 'seed of the chance that chooses it'),
  json
} as const

/** `quail calibration split`: two sets that share no sample. */
export async function splitSetAction(
  { options, positionals: [name = ''] }: Invocation<typeof splitOptions>,
  context: CommandContext
): Promise<ExitCode> {
  const { store } = await context.services()
  const parts = await holdOut(store, name, { share: options.share, seed: options.seed })
  if (options.json) printJson(context.terminal, parts)
  else {
    for (const set of Object.values(parts)) context.terminal.print(`stored ${set.name}: ${sizeText(set)}`)
    const { calibration, evaluation } = parts
    context.terminal.print(`Use them with --calibration set:${calibration.name} --evaluation set:${evaluation.name}`)
  }
  return EXIT.done
}

/** A number between 0 and 1, both excluded. */
function share(text: string, option: string): number {
  const value = Number(text)
  if (value > 0 && value < 1) return value
  throw badInput(`${option} is ${text}; a number between 0 and 1 is expected, as in 0.1`)
}

export const deleteOptions = { json } as const

/** `quail calibration delete`: runs that used the set keep their own copy. */
export async function deleteSetsAction(
  { options, positionals }: Invocation<typeof deleteOptions>,
  context: CommandContext
): Promise<ExitCode> {
  const { store } = await context.services()
  for (const name of positionals) await getSet(store, name)
  for (const name of positionals) await deleteSet(store, name)
  await giveBackSpace(store)
  if (options.json) printJson(context.terminal, { deleted: positionals })
  else context.terminal.print(`deleted ${positionals.join(', ')}`)
  return EXIT.done
}

const sizeText = ({ sampleCount, characterCount }: CalibrationSet): string =>
  `${plural(sampleCount, 'sample')}, ${plural(characterCount, 'character')}`

/** The beginning of a sample on one line, without control characters that a terminal would obey. */
function excerpt(sample: string): string {
  const line = sample.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim()
  return [...line].length > 300 ? `${[...line].slice(0, 300).join('')}…` : line
}
