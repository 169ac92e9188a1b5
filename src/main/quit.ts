import { app, type BrowserWindow, dialog } from 'electron'
import type { WindowEvent } from '../shared/contract/events'
import type { JobSigns } from './jobSigns'
import type { WorkbenchProcess } from './workbenchProcess'

/** The choices of the question at the end, by the index of their button. */
const STOP = 0
const KEEP = 1
const STAY = 2
const AT_ONCE = 3

/** What a page may take to close. */
const LEAVE_MS = 1000

/**
 * Guards the end of the app while a run works: the person chooses to stop it at its next checkpoint or at once (it is resumed
 * later), or to let it finish with the window closed. The engine process is always closed before the app ends, and killed
 * when it does not close.
 */
export function guardQuit(window: BrowserWindow, workbench: WorkbenchProcess, signs: JobSigns): QuitGuard {
  let state: 'open' | 'asking' | 'background' | 'closing' | 'closed' = 'open'

  async function close(atCheckpoint: boolean): Promise<void> {
    if (state === 'closed') return
    state = 'closing'
    await workbench.close(atCheckpoint)
    leave()
  }

  /** Ends the app; a page that does not let itself be closed goes with it. */
  function leave(): void {
    if (state === 'closed') return
    state = 'closed'
    app.quit()
    setTimeout(() => app.exit(), LEAVE_MS)
  }

  async function ask(): Promise<void> {
    state = 'asking'
    const { response } = await dialog.showMessageBox(window, {
      type: 'question',
      message: 'A run is being worked on.',
      detail:
        'Quail can stop after the present block and go on from there next time, or keep working in the background and quit when the queue is done. If it quits at once, what was done since the last checkpoint is done again next time.',
      buttons: [
        'Stop at the next checkpoint and quit',
        'Keep working in the background',
        'Do not quit',
        'Quit at once'
      ],
      defaultId: STOP,
      cancelId: STAY
    })
    state = 'open'
    if (response === STOP) await close(true)
    if (response === AT_ONCE) await close(false)
    if (response !== KEEP) return
    // The last run may have ended while the question stood.
    if (signs.running() === null) return close(false)
    state = 'background'
    window.hide()
  }

  const intercept = (event: Electron.Event): void => {
    if (state === 'closed') return
    event.preventDefault()
    if (state === 'asking') return
    // Whoever quits again does not want to wait for the checkpoint.
    if (state === 'closing') void close(false)
    else if (signs.running() !== null) void ask()
    else void close(false)
  }
  window.on('close', intercept)
  app.on('before-quit', intercept)
  return {
    accept(event) {
      if (state === 'background' && isIdle(event)) void close(false)
    },
    shown() {
      if (state === 'background') state = 'open'
    }
  }
}

/** Nothing is worked on, and nothing will be until the person comes back. */
function isIdle(event: WindowEvent): boolean {
  if (event.type === 'engine.state') return event.state === 'gaveUp' || event.state === 'failed'
  return event.type === 'queue.changed' && event.running === null && (event.waiting === 0 || event.held)
}

export interface QuitGuard {
  /** Follows the events that the window gets too: an app that works in the background ends with its queue. */
  accept(event: WindowEvent): void
  /** The window was brought back. */
  shown(): void
}
