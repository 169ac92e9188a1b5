import type { RunStatus } from '../../shared/runEvents'
import { STATUS_WORDS } from '../../shared/runWords'

const COLORS: Readonly<Record<RunStatus, string>> = {
  queued: 'gray',
  running: 'blue',
  interrupted: 'orange',
  cancelled: 'gray',
  failed: 'orange',
  completed: 'teal'
}

export const statusText = (status: RunStatus): string => STATUS_WORDS[status]
export const statusColor = (status: RunStatus): string => COLORS[status]
