import type { UtilityProcess } from 'electron'

/** Ends a process at once, by the system: one that is stuck hears nothing else. */
export function killProcess({ pid }: UtilityProcess): void {
  if (pid === undefined) return
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended meanwhile.
  }
}
