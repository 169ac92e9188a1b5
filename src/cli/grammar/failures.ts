import { logDefect } from '../../services/logFile'
import { type ErrorCode, serializeError } from '../../shared/errors'
import { EXIT, type ExitCode } from './command'
import type { Installation } from './commandContext'

/** What the shell gets for each kind of error. */
export function exitCodeOf(code: ErrorCode): ExitCode {
  if (code === 'BAD_INPUT' || code === 'BAD_FORMAT') return EXIT.badInput
  return code === 'CANCELLED' ? EXIT.cancelled : EXIT.failed
}

/** Says on stderr what went wrong, in one sentence; a stack only with QUAIL_DEBUG=1. Returns the exit code. */
export async function reportFailure(
  error: unknown,
  { home, version }: Pick<Installation, 'home' | 'version'>,
  note: (line: string) => void,
  env: NodeJS.ProcessEnv
): Promise<ExitCode> {
  const { code, message, stack } = serializeError(error)
  const trace = stack ?? (error instanceof Error ? error.stack : undefined) ?? message
  if (code === 'INTERNAL') {
    const log = await logDefect(home, version, trace)
    const where = log === undefined ? 'QUAIL_DEBUG=1 shows where' : `details are in ${log}`
    note(`quail: ${message} (this is a defect of Quail; ${where})`)
  } else note(`quail: ${message}`)
  if (env.QUAIL_DEBUG) for (const line of trace.split('\n')) note(line)
  return exitCodeOf(code)
}
