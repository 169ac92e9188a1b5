import { badInput } from '../shared/errors'
import { nearestName } from '../shared/nearestName'
import { COMMANDS } from './commands'
import { type Command, EXIT, type ExitCode } from './grammar/command'
import { createContext, type Installation } from './grammar/commandContext'
import { reportFailure } from './grammar/failures'
import { commandHelp, groupHelp, overview } from './grammar/help'
import { parseArguments } from './grammar/parseArguments'
import type { Terminal } from './output/terminal'

/** What a group does when it is called without a command: `quail runs` lists. */
const GROUP_DEFAULT = 'list'

/**
 * Runs one command line and returns its exit code; nothing is thrown.
 *
 * @param listen - from now on the user's wish to stop is heard, and must be answered
 */
export async function main(
  args: readonly string[],
  installation: Installation,
  terminal: Terminal,
  listen: () => AbortSignal,
  env: NodeJS.ProcessEnv
): Promise<ExitCode> {
  try {
    const chosen = choose(args, installation.version)
    if ('lines' in chosen) {
      for (const line of chosen.lines) terminal.print(line)
      return EXIT.done
    }
    return await execute(chosen.command, chosen.rest, installation, terminal, listen)
  } catch (error) {
    return reportFailure(error, installation, terminal.note, env)
  }
}

async function execute(
  command: Command,
  args: readonly string[],
  installation: Installation,
  terminal: Terminal,
  listen: () => AbortSignal
): Promise<ExitCode> {
  const invocation = parseArguments(command, args)
  const context = createContext(installation, terminal, listen)
  try {
    return await command.action(invocation as never, context)
  } finally {
    await context.close()
  }
}

type Choice = { readonly lines: readonly string[] } | { readonly command: Command; readonly rest: readonly string[] }

function choose(args: readonly string[], version: string): Choice {
  const [first] = args
  if (first === undefined || first === '--help' || first === '-h') return { lines: overview(COMMANDS, version) }
  if (first === '--version' || first === '-V' || first === 'version') return { lines: [version] }
  if (first === 'help')
    return {
      lines: helpFor(
        args.slice(1).filter((word) => !word.startsWith('-')),
        version
      )
    }
  const { command, rest } = findCommand(args)
  return wantsHelp(rest) ? { lines: helpFor(wordsOf(args), version) } : { command, rest }
}

function helpFor(words: readonly string[], version: string): readonly string[] {
  const [group] = words
  if (group === undefined) return overview(COMMANDS, version)
  const members = membersOf(group)
  if (members.length > 0 && words.length === 1) return groupHelp(group, members)
  return commandHelp(findCommand(words).command)
}

/** The command's own words: one, or two where a group is followed by one of its commands. */
function wordsOf([first = '', second]: readonly string[]): string[] {
  const isMember = membersOf(first).some(({ name }) => name === `${first} ${second}`)
  return isMember ? [`${first}`, `${second}`] : [first]
}

function findCommand(args: readonly string[]): { command: Command; rest: readonly string[] } {
  const [first = '', second] = args
  const single = COMMANDS.find(({ name }) => name === first)
  if (single !== undefined) return { command: single, rest: args.slice(1) }
  const members = membersOf(first)
  if (members.length === 0) throw unknownCommand(first)
  const bare = second === undefined || second.startsWith('-')
  const wanted = `${first} ${bare ? GROUP_DEFAULT : second}`
  const command = members.find(({ name }) => name === wanted)
  if (command === undefined) throw unknownMember(first, second ?? '', members)
  return { command, rest: args.slice(bare ? 1 : 2) }
}

const membersOf = (group: string): Command[] => COMMANDS.filter(({ name }) => name.startsWith(`${group} `))

function unknownCommand(word: string): Error {
  if (word.startsWith('-'))
    return badInput(`unknown option ${word}; quail COMMAND [OPTIONS] is needed, see quail --help`)
  const names = COMMANDS.map(({ name }) => name.split(' ')[0] as string)
  const nearest = nearestName(word, names)
  return badInput(
    `unknown command "${word}"; ${nearest === undefined ? 'see quail --help' : `did you mean ${nearest}?`}`
  )
}

function unknownMember(group: string, word: string, members: readonly Command[]): Error {
  const names = members.map(({ name }) => name.slice(group.length + 1))
  const nearest = nearestName(word, names)
  const hint = nearest === undefined ? `accepted are ${names.join(', ')}` : `did you mean quail ${group} ${nearest}?`
  return badInput(`unknown command "${group} ${word}"; ${hint}`)
}

function wantsHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  return (end < 0 ? args : args.slice(0, end)).some((word) => word === '--help' || word === '-h')
}
