import type { RunStatus } from '../../shared/runEvents'

const TEXTS: Readonly<Record<RunStatus, string>> = {
  queued: 'waiting',
  running: 'running',
  interrupted: 'interrupted',
  cancelled: 'cancelled',
  failed: 'failed',
  completed: 'completed'
}

const COLORS: Readonly<Record<RunStatus, string>> = {
  queued: 'gray',
  running: 'blue',
  interrupted: 'orange',
  cancelled: 'gray',
  failed: 'orange',
  completed: 'teal'
}

export const statusText = (status: RunStatus): string => TEXTS[status]
export const statusColor = (status: RunStatus): string => COLORS[status]
