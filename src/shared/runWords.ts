import { plural } from './plural'
import type { Phase, RunEvent, RunStatus } from './runEvents'

/* What the states and phases of a run are called, in the window, on the desktop and in the command line. */

export const STATUS_WORDS: Readonly<Record<RunStatus, string>> = {
  queued: 'waiting',
  running: 'running',
  interrupted: 'interrupted',
  cancelled: 'stopped',
  failed: 'failed',
  completed: 'completed'
}

/** What happened to a run that ended so: `law is completed`. */
export const STATUS_SENTENCES: Readonly<Record<RunStatus, string>> = {
  queued: 'waits',
  running: 'is running',
  interrupted: 'was interrupted',
  cancelled: 'was stopped',
  failed: 'failed',
  completed: 'is completed'
}

/** What is said of a sweep when nothing of it is left to do; not completed where runs were stopped or failed. */
export const sweepEnded = (name: string, complete: boolean): string =>
  `The sweep ${name} ${complete ? STATUS_SENTENCES.completed : 'has ended'}`

export const PHASE_WORDS: Readonly<Record<Phase, string>> = {
  reading: 'reading',
  weighing: 'weighing',
  embedding: 'embedding',
  blocks: 'blocks',
  choosing: 'asking held-out rows',
  refining: 'refining',
  evaluating: 'evaluating',
  exporting: 'exporting'
}

type Warned = Pick<Extract<RunEvent, { type: 'warning' }>, 'severity'>

/** What stands before a warning of a run: `note` where it is good to know and no more, as in the plan. */
export const warningWord = ({ severity }: Warned): string => (severity === 'info' ? 'note' : 'warning')

/** `2 warnings, 1 note`. */
export const warningCount = (warned: readonly Warned[]): string =>
  ['warning', 'note']
    .map((word) => ({ word, count: warned.filter((one) => warningWord(one) === word).length }))
    .filter(({ count }) => count > 0)
    .map(({ word, count }) => plural(count, word))
    .join(', ')
