import { headlineOf } from '../../shared/headline'
import type { ProvenVariant } from '../../shared/proof'
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
  return { type, status, run, perplexity, variants, headline: headlineJson(event), ...rest }
}

/** The headline of a run as `--json` has it: variants by name, and which one to take for each quantizer; null unmeasured. */
export function headlineJson<T extends ProvenVariant>(run: Parameters<typeof headlineOf<T>>[0]): object | null {
  const headline = headlineOf(run)
  if (headline === undefined) return null
  const results = headline.results.map(({ variants, ...base }) => ({
    ...base,
    best: variants[0].variant.name,
    variants: variants.map(({ variant, ...figures }) => ({ name: variant.name, ...figures }))
  }))
  return { text: headline.text, results }
}

/** Any other answer of `--json`: one value, indented where a person reads it. */
export function printJson(terminal: Terminal, value: unknown): void {
  for (const line of JSON.stringify(value, null, 2).split('\n')) terminal.print(line)
}
