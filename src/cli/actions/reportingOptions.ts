import { flag } from '../grammar/options'

/** For every command that would use them. */
export const momentOptions = {
  'no-kept-moments': flag('calibrate anew: neither use second moments that earlier runs kept nor keep any')
} as const

/** How a run is worked on and reported, for every command that executes one. */
export const reportingOptions = {
  ...momentOptions,
  json: flag("print the run's events as JSON, one object a line; the last is finished"),
  quiet: flag('print nothing but errors', { short: 'q' })
} as const
