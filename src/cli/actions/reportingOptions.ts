import { flag } from '../grammar/options'

/** How a run is reported, for every command that executes one. */
export const reportingOptions = {
  json: flag("print the run's events as JSON, one object a line; the last is finished"),
  quiet: flag('print nothing but errors', { short: 'q' })
} as const
