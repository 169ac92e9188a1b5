import type { RunEvent } from '../../shared/runEvents'
import type { Terminal } from './terminal'

/** A listener that prints a run's events as JSON, one object a line; `finished` leads with what readers look for. */
export const printEvents =
  (terminal: Terminal) =>
  (event: RunEvent): void =>
    terminal.print(JSON.stringify(ordered(event)))

function ordered(event: RunEvent): object {
  if (event.type !== 'finished') return event
  const { type, status, run, perplexity, variants, ...rest } = event
  return { type, status, run, perplexity, variants, ...rest }
}

/** Any other answer of `--json`: one value, indented where a person reads it. */
export const printJson = (terminal: Terminal, value: unknown): void => terminal.print(JSON.stringify(value, null, 2))
