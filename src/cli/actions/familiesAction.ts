import { EXIT, type ExitCode, type Invocation } from '../grammar/command'
import type { CommandContext } from '../grammar/commandContext'
import { flag } from '../grammar/options'
import { printJson } from '../output/printJson'
import { renderPairs } from '../output/table'

export const familiesOptions = { json: flag('print the list as JSON') } as const

/** `quail families`: every `model_type` of a config.json that is read, in the order of the alphabet. */
export async function familiesAction(
  { options }: Invocation<typeof familiesOptions>,
  { terminal }: CommandContext
): Promise<ExitCode> {
  // Not before it is asked for: no other command needs the models in this thread.
  const { SUPPORTED_MODEL_TYPES, TEXT_TYPES } = await import('../../engine/models/registry')
  const families = [...SUPPORTED_MODEL_TYPES]
    .sort()
    .map((modelType) => ({ modelType, texts: TEXT_TYPES.get(modelType) }))
  if (options.json) printJson(terminal, families)
  else for (const line of renderPairs(families.map(described))) terminal.print(line)
  return EXIT.done
}

const described = ({
  modelType,
  texts
}: {
  modelType: string
  texts: readonly string[] | undefined
}): [string, string] => [modelType, texts === undefined ? '' : `with a text model inside: ${texts.join(', ')}`]
