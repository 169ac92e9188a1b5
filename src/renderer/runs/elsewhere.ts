import type { RunStatus } from '../../shared/runEvents'
import { useCall } from '../api/hooks'

/** Said of a run that this window's queue does not work on. */
export const ELSEWHERE = 'Another process works on it, say the command line. Stop it there.'

/** Whether another process works on one of these runs: it is stopped and paused there. Undefined until that is known. */
export function useElsewhere(
  runs: readonly { readonly id: string; readonly status: RunStatus }[]
): boolean | undefined {
  const { data: queue } = useCall('queue.state', {})
  return queue && runs.some(({ id, status }) => status === 'running' && id !== queue.running?.id)
}
