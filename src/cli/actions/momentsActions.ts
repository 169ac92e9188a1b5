import { clearMoments, limitMoments, listMoments, momentStore } from '../../services/moments'
import { badInput } from '../../shared/errors'
import { modelName } from '../../shared/modelName'
import { EXIT, type ExitCode, type Invocation } from '../grammar/command'
import type { CommandContext } from '../grammar/commandContext'
import { flag } from '../grammar/options'
import { formatCount, formatTime } from '../output/numbers'
import { printJson } from '../output/printJson'
import { formatSize, parseSize } from '../output/sizes'
import { type Column, renderTable } from '../output/table'

export const momentsOptions = { json: flag('print the answer as JSON') } as const

const COLUMNS: readonly Column[] = [
  { title: 'model' },
  { title: 'calibration' },
  { title: 'tokens', align: 'right' },
  { title: 'size', align: 'right' },
  { title: 'used' }
]

type MomentsInvocation = Invocation<typeof momentsOptions>

/** `quail moments list`: the second moments that are kept for later runs. */
export async function listMomentsAction({ options }: MomentsInvocation, context: CommandContext): Promise<ExitCode> {
  const { terminal } = context
  const services = await context.services()
  const { folder, limitBytes } = await momentStore(services)
  const sets = await listMoments(services)
  const bytes = sets.reduce((sum, set) => sum + set.bytes, 0)
  if (options.json) printJson(terminal, { folder, limitBytes, bytes, sets })
  else {
    const rows = sets.map(({ model, calibration, tokens, complete, bytes: size, usedAtMs }) => [
      model === null ? 'unknown' : modelName(model),
      calibration.join(', '),
      formatCount(tokens),
      `${formatSize(size)}${complete ? '' : ' (unfinished)'}`,
      formatTime(usedAtMs)
    ])
    if (rows.length > 0) for (const line of renderTable(COLUMNS, rows)) terminal.print(line)
    terminal.print(`${formatSize(bytes)} in ${folder}; ${limitText(limitBytes)}`)
  }
  return EXIT.done
}

/** `quail moments clear`: removes all of them, without the database, which cannot be opened on a disk that they have filled. */
export async function clearMomentsAction({ options }: MomentsInvocation, context: CommandContext): Promise<ExitCode> {
  const bytes = await clearMoments(context)
  if (options.json) printJson(context.terminal, { bytes })
  else context.terminal.print(`${formatSize(bytes)} freed`)
  return EXIT.done
}

/** `quail moments limit`: how much is kept from now on. */
export async function limitMomentsAction(
  { options, positionals: [text = ''] }: MomentsInvocation,
  context: CommandContext
): Promise<ExitCode> {
  const momentsLimit = text === '0' ? 0 : parseSize(text)
  if (momentsLimit === undefined || momentsLimit > 2 ** 50)
    throw badInput(`the limit is "${text}"; a size such as 20GiB is needed, or 0 to keep none`)
  await limitMoments(await context.services(), momentsLimit)
  if (options.json) printJson(context.terminal, { limitBytes: momentsLimit })
  else context.terminal.print(limitText(momentsLimit))
  return EXIT.done
}

const limitText = (bytes: number): string => (bytes === 0 ? 'none are kept' : `at most ${formatSize(bytes)} are kept`)
