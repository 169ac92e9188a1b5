import { parseArgs } from 'node:util'
import { badInput } from '../../shared/errors'
import { nearestName } from '../../shared/nearestName'
import type { Command, Invocation } from './command'
import type { Option, Options } from './options'

type Token = NonNullable<ReturnType<typeof parseArgs>['tokens']>[number]
type OptionToken = Extract<Token, { kind: 'option' }>

/**
 * Reads the arguments of one command.
 *
 * @throws {AppError} BAD_INPUT: an unknown option (with the nearest name), a missing or unusable value, two values of an
 *   option that takes one, a superfluous or missing argument
 */
export function parseArguments(command: Command, args: readonly string[]): Invocation<Options> {
  const texts = collectTexts(command, args)
  const given = new Set(texts.options.keys())
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, option]) => [name, optionValue(name, option, texts.options.get(name))])
  )
  checkPositionals(command, texts.positionals)
  return { options, positionals: texts.positionals, given } as unknown as Invocation<Options>
}

interface Texts {
  readonly options: Map<string, string[]>
  readonly positionals: string[]
}

function collectTexts(command: Command, args: readonly string[]): Texts {
  const texts: Texts = { options: new Map(), positionals: [] }
  let open: string | undefined // an option that takes further values
  for (const token of tokensOf(command.options, args)) {
    if (token.kind === 'positional') {
      const target = open === undefined ? texts.positionals : (texts.options.get(open) as string[])
      target.push(token.value)
    } else if (token.kind === 'option-terminator') {
      open = undefined
    } else {
      const option = command.options[token.name]
      if (option === undefined) throw unknownOption(command, token.rawName)
      const values = texts.options.get(token.name) ?? []
      texts.options.set(token.name, [...values, textOf(token, option)])
      open = option.many ? token.name : undefined
    }
  }
  return texts
}

function tokensOf(options: Options, args: readonly string[]): Token[] {
  const config = Object.fromEntries(
    Object.entries(options).map(([name, option]) => [
      name,
      { type: option.value === undefined ? ('boolean' as const) : ('string' as const), ...shortOf(option) }
    ])
  )
  return parseArgs({ args: [...args], options: config, strict: false, allowPositionals: true, tokens: true }).tokens
}

const shortOf = (option: Option): { short?: string } => (option.short === undefined ? {} : { short: option.short })

function textOf({ rawName, value, inlineValue }: OptionToken, option: Option): string {
  if (option.value === undefined) {
    if (value !== undefined) throw badInput(`${rawName} takes no value, "${value}" was given`)
    return 'true'
  }
  const missing = value === undefined || (!inlineValue && /^-(?!\.?\d)/.test(value) && value !== '-')
  if (missing) throw badInput(`${rawName} needs a value: ${rawName} ${option.value}`)
  return value
}

function optionValue(name: string, option: Option, texts: string[] | undefined): unknown {
  if (texts === undefined) {
    if (option.required) throw badInput(`--${name} ${option.value} is missing: ${option.description}`)
    return option.many ? [] : option.default
  }
  if (!option.many) return option.parse(onlyOne(name, texts), `--${name}`)
  const parts = option.commas ? texts.flatMap((text) => text.split(',')).map((part) => part.trim()) : texts
  return parts.map((part) => option.parse(part, `--${name}`))
}

/** Who gives two number formats wants both, which a list of methods would be: the first is not lost without a word. */
function onlyOne(name: string, texts: readonly string[]): string {
  const [first, second] = [...new Set(texts)]
  if (second === undefined) return first as string
  throw badInput(`--${name} is given as "${first}" and as "${second}"; it takes one value`)
}

function unknownOption(command: Command, rawName: string): Error {
  const nearest = nearestName(rawName.replace(/^-+/, ''), Object.keys(command.options))
  const hint = nearest === undefined ? `see quail ${command.name} --help` : `did you mean --${nearest}?`
  return badInput(`unknown option ${rawName} for quail ${command.name}; ${hint}`)
}

function checkPositionals({ name, positionals = [] }: Command, found: readonly string[]): void {
  const needed = positionals[found.length]
  if (needed !== undefined && !needed.optional && !(needed.many && found.length > 0)) {
    throw badInput(`quail ${name} needs ${needed.name}: ${needed.description}`)
  }
  const surplus = positionals.at(-1)?.many ? undefined : found[positionals.length]
  if (surplus !== undefined) throw badInput(`quail ${name} does not take "${surplus}"; see quail ${name} --help`)
}
