import { resolve } from 'node:path'
import {
  describeRebuilt,
  type Inspection,
  ROLE_REASONS,
  type SpecialToken,
  type TokenizerFacts
} from '../../shared/inspection'
import { type TextTower, TOWER_ALONE, towerText } from '../../shared/textTower'
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

/** `quail inspect`: what a checkpoint or a weight file holds, and whether it can be prepared. */
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
  const { path, parameters, bytes, dtypes, files, tensors, model, problems, warnings } = inspection
  const kinds = Object.entries(dtypes).map(([dtype, count]) => `${dtype} ${plural(count, 'parameter')}`)
  const pairs: [string, string][] = [
    ['path', path],
    ['parameters', `${formatParameters(parameters)} (${formatSize(bytes)})`],
    ['dtypes', kinds.join(', ')],
    ...files.map(({ name, bytes: size, tensors: count }, i): [string, string] => [
      i === 0 ? 'files' : '',
      `${name}: ${plural(count, 'tensor')}, ${formatSize(size)}`
    ]),
    ...familyPairs(inspection),
    ...quantizationPairs(inspection),
    ...(inspection.tokenizer === undefined ? [] : tokenizerPairs(inspection.tokenizer)),
    ...templatePairs(inspection),
    ...(inspection.licence === undefined ? [] : [['licence', inspection.licence] as [string, string]])
  ]
  const roles = model === undefined ? [] : ['', ...roleTable(model.roles)]
  const verdict = model === undefined && problems.length === 0 ? [] : verdictLines(problems)
  const minded = warnings.length === 0 ? [] : ['', ...warnings.map((text) => `warning: ${text}`)]
  return [...renderPairs(pairs), ...roles, ...verdict, ...minded, ...(withTensors ? ['', ...tensorTable(tensors)] : [])]
}

function familyPairs({ model, modelType }: Inspection): [string, string][] {
  if (model === undefined) return modelType === undefined ? [] : [['model type', modelType]]
  const head = model.tiedHead ? 'head tied to the embedding' : 'own head'
  return [
    ['family', model.family],
    ...towerPairs(model.tower),
    ['blocks', `${model.blocks}, hidden size ${model.hiddenSize}, ${plural(model.linears.length, 'linear')}`],
    ['vocabulary', `${formatCount(model.vocabularySize)}, ${head}`],
    ['context', `up to ${plural(model.contextLimit, 'token')}`]
  ]
}

const towerPairs = (tower: TextTower | undefined): [string, string][] =>
  tower === undefined ? [] : [['', `${towerText(tower)}: ${TOWER_ALONE}`]]

function quantizationPairs({ quantization }: Inspection): [string, string][] {
  if (quantization === undefined) return []
  const { format, blockSize, doubleQuantization, linears, packedBytes } = quantization
  const scales = doubleQuantization ? 'double quantization' : 'no double quantization'
  const how = `${format}, block size ${blockSize}, ${scales}`
  const packed = `${plural(packedBytes, 'packed byte')}, two weights in each`
  return [['quantized', `${plural(linears, 'linear')} by bitsandbytes: ${how}; ${packed}`]]
}

function tokenizerPairs(facts: TokenizerFacts): [string, string][] {
  const named = Object.entries({ BOS: facts.bos, EOS: facts.eos, pad: facts.pad, unknown: facts.unknown })
  const tokens = named.flatMap(([name, token]) => (token === null ? [] : `${name} ${showToken(token)}`))
  const added = [...facts.before.map(showToken), 'text', ...facts.after.map(showToken)]
  return [
    [
      'tokenizer',
      `${facts.kind}, ${plural(facts.vocabularySize, 'token')}, ${facts.specialTokens.length} of them special`
    ],
    ...(tokens.length === 0 ? [] : [['', tokens.join(', ')] as [string, string]]),
    ['', `a text becomes ${added.join(' ')}`],
    ...(facts.rebuilt === undefined ? [] : [['', describeRebuilt(facts.rebuilt)] as [string, string]])
  ]
}

const showToken = ({ text, id }: SpecialToken): string => `${JSON.stringify(text)} (${id})`

const templatePairs = ({ chatTemplates, files, modelType }: Inspection): [string, string][] => {
  // A file of weights by itself, or an adapter, could have none.
  const isModel = modelType !== undefined && files.length > 0
  if (chatTemplates.length === 0) return isModel ? [['chat', 'no chat template']] : []
  return chatTemplates.map(({ name, file, sha256 }, i) => [
    i === 0 ? 'chat' : '',
    `template ${JSON.stringify(name)} in ${file}, sha256 ${sha256.slice(0, 12)}`
  ])
}

const roleTable = (roles: NonNullable<Inspection['model']>['roles']): string[] =>
  renderTable(
    [
      { title: 'part' },
      { title: 'tensors', align: 'right' },
      { title: 'parameters', align: 'right' },
      { title: 'why' }
    ],
    roles.map(({ role, tensors, parameters }) => [
      role,
      formatCount(tensors),
      formatParameters(parameters),
      ROLE_REASONS[role]
    ])
  )

const verdictLines = (problems: readonly string[]): string[] =>
  problems.length === 0
    ? ['', 'Quail can prepare this checkpoint.']
    : ['', 'Quail cannot prepare this checkpoint:', ...problems.map((problem) => `- ${problem}`)]

const tensorTable = (tensors: Inspection['tensors']): string[] =>
  renderTable(
    [{ title: 'tensor' }, { title: 'dtype' }, { title: 'shape' }, { title: 'part' }, { title: 'file' }],
    tensors.map(({ name, dtype, shape, role, file }) => [name, dtype, `[${shape.join(', ')}]`, role ?? '', file])
  )
