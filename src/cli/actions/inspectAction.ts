import { resolve } from 'node:path'
import type { Inspection } from '../../shared/plan'
import { EXIT, type ExitCode, type Invocation } from '../grammar/command'
import type { CommandContext } from '../grammar/commandContext'
import { flag } from '../grammar/options'
import { formatCount, formatParameters, plural } from '../output/numbers'
import { printJson } from '../output/printJson'
import { formatSize } from '../output/sizes'
import { renderPairs, renderTable } from '../output/table'

export const inspectOptions = {
  tensors: flag('list every tensor'),
  json: flag('print everything as JSON')
} as const

/** `quail inspect`: what a checkpoint or a safetensors file holds, and whether it can be prepared. */
export async function inspectAction(
  { options, positionals: [path = ''] }: Invocation<typeof inspectOptions>,
  { engine, terminal, signal }: CommandContext
): Promise<ExitCode> {
  const inspection = await engine.call('inspect', { path: resolve(path) }, { signal })
  if (options.json) printJson(terminal, inspection)
  else for (const line of describe(inspection, options.tensors)) terminal.print(line)
  return EXIT.done
}

function describe(inspection: Inspection, withTensors: boolean): string[] {
  const { path, parameters, bytes, dtypes, files, tensors, model, problems } = inspection
  const kinds = Object.entries(dtypes).map(([dtype, count]) => `${dtype} ${plural(count, 'parameter')}`)
  const pairs: [string, string][] = [
    ['path', path],
    ['parameters', `${formatParameters(parameters)} (${formatSize(bytes)})`],
    ['dtypes', kinds.join(', ')],
    ...files.map(({ name, bytes: size, tensors: count }, i): [string, string] => [
      i === 0 ? 'files' : '',
      `${name}: ${plural(count, 'tensor')}, ${formatSize(size)}`
    ]),
    ...(model === undefined ? [] : modelPairs(model))
  ]
  const verdict = model === undefined && problems.length === 0 ? [] : verdictLines(problems)
  return [...renderPairs(pairs), ...verdict, ...(withTensors ? ['', ...tensorTable(tensors)] : [])]
}

const modelPairs = (model: NonNullable<Inspection['model']>): [string, string][] => [
  ['family', model.family],
  ['blocks', `${model.blocks}, hidden size ${model.hiddenSize}, ${plural(model.linears.length, 'linear')}`],
  ['vocabulary', `${formatCount(model.vocabularySize)}, ${model.tiedHead ? 'head tied to the embedding' : 'own head'}`],
  ['context', `up to ${plural(model.contextLimit, 'token')}`],
  ['tokenizer', model.tokenizer]
]

const verdictLines = (problems: readonly string[]): string[] =>
  problems.length === 0
    ? ['', 'Quail can prepare this checkpoint.']
    : ['', 'Quail cannot prepare this checkpoint:', ...problems.map((problem) => `- ${problem}`)]

const tensorTable = (tensors: Inspection['tensors']): string[] =>
  renderTable(
    [{ title: 'tensor' }, { title: 'dtype' }, { title: 'shape' }],
    tensors.map(({ name, dtype, shape }) => [name, dtype, `[${shape.join(', ')}]`])
  )
