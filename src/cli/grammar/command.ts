import type { CommandContext } from './commandContext'
import type { Options, Values } from './options'

export interface Example {
  readonly command: string
  readonly says: string
}

/** A file, directory or name that stands without an option. */
export interface Positional {
  readonly name: string
  readonly description: string
  readonly optional?: boolean
  readonly many?: boolean
}

export interface Invocation<O extends Options> {
  readonly options: Values<O>
  readonly positionals: readonly string[]
  /** Names of the options that were given, to tell a default from a wish. */
  readonly given: ReadonlySet<string>
}

export interface CommandSpec<O extends Options> {
  /** One word, or two for a group: `runs list`. */
  readonly name: string
  readonly summary: string
  readonly details?: string
  readonly positionals?: readonly Positional[]
  readonly options: O
  readonly examples: readonly Example[]
  /** Does the work and returns the exit code; failures are thrown. */
  readonly action: (invocation: Invocation<O>, context: CommandContext) => Promise<ExitCode> | ExitCode
}

/** A command of the table, its options' types forgotten: only the parser fills them in. */
export type Command = Omit<CommandSpec<Options>, 'action'> & {
  readonly action: (invocation: Invocation<never>, context: CommandContext) => Promise<ExitCode> | ExitCode
}

export const defineCommand = <const O extends Options>(spec: CommandSpec<O>): Command => spec

/** Done, failed, bad usage or input, cancelled by the user. */
export const EXIT = { done: 0, failed: 1, badInput: 2, cancelled: 130 } as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]
