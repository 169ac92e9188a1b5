import { renderPairs } from '../output/table'
import type { Command, Positional } from './command'
import type { Option } from './options'

/** What bare `quail` prints: every command with its summary. */
export function overview(commands: readonly Command[], version: string): string[] {
  return [
    `quail ${version} prepares language models for QLoRA fine-tuning: calibrated LoRA adapters, with proof, offline.`,
    '',
    'usage: quail COMMAND [OPTIONS]',
    '',
    ...indent(renderPairs(commands.map(({ name, summary }) => [name, summary]))),
    '',
    'Start with "quail demo"; "quail help COMMAND" explains one command.',
    'Exit codes: 0 done, 1 failed, 2 bad usage or input, 130 cancelled.',
    'Files of its own are kept under QUAIL_HOME; checkpoints are only read.'
  ]
}

/** The help of one command, made from its entry in the table alone. */
export function commandHelp(command: Command): string[] {
  const { positionals = [], examples, details } = command
  const options = Object.entries(command.options)
  return [
    command.summary,
    '',
    ...usageLines(command),
    ...(details === undefined ? [] : ['', ...details.split('\n')]),
    ...section(
      'arguments',
      positionals.map(({ name, description }) => [name, description])
    ),
    ...section('options', [
      ...options.map(([name, option]): [string, string] => [optionName(name, option), describe(option)]),
      ['--help, -h', 'show this help']
    ]),
    ...(examples.length === 0
      ? []
      : ['', 'examples:', ...examples.flatMap(({ command: c, says }) => [`  # ${says}`, `  ${c}`])])
  ]
}

/** The help of a group: `quail runs`. */
export const groupHelp = (group: string, commands: readonly Command[]): string[] => [
  `usage: quail ${group} COMMAND`,
  '',
  ...indent(renderPairs(commands.map(({ name, summary }) => [name, summary]))),
  '',
  `"quail help ${group} COMMAND" explains one.`
]

function usageLines({ name, positionals = [], options }: Command): string[] {
  const words = [
    ...positionals.map(usageOfPositional),
    ...Object.entries(options)
      .sort(([, a], [, b]) => Number(b.required ?? false) - Number(a.required ?? false))
      .map(([option, spec]) => usageOfOption(option, spec))
  ]
  const lines = [`usage: quail ${name}`]
  for (const word of words) {
    const current = lines.at(-1) as string
    if (current.length + word.length < 100) lines[lines.length - 1] = `${current} ${word}`
    else lines.push(`         ${word}`)
  }
  return lines
}

function usageOfPositional({ name, optional, many }: Positional): string {
  const text = many ? `${name}...` : name
  return optional ? `[${text}]` : text
}

function usageOfOption(name: string, { value, many, required }: Option): string {
  const text = `--${name}${value === undefined ? '' : ` ${value}`}${many ? '...' : ''}`
  return required ? text : `[${text}]`
}

const optionName = (name: string, { value, short }: Option): string =>
  `--${name}${short === undefined ? '' : `, -${short}`}${value === undefined ? '' : ` ${value}`}`

function describe({ description, default: fallback, defaultText, many, commas, required }: Option): string {
  const shown = defaultText ?? (typeof fallback === 'boolean' || fallback === undefined ? undefined : String(fallback))
  const notes = [
    ...(required ? ['required'] : []),
    ...(many ? [commas ? 'several: with commas, spaces, or repeated' : 'several: with spaces, or repeated'] : []),
    ...(shown === undefined ? [] : [`default ${shown}`])
  ]
  return notes.length === 0 ? description : `${description} (${notes.join('; ')})`
}

const section = (title: string, pairs: readonly (readonly [string, string])[]): string[] =>
  pairs.length === 0 ? [] : ['', `${title}:`, ...indent(renderPairs(pairs))]

const indent = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`)
