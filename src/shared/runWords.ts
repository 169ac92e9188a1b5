import type { Phase, RunStatus } from './runEvents'

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
