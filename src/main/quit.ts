import { app, type BrowserWindow, dialog } from 'electron'
import type { JobSigns } from './jobSigns'
import type { WorkbenchProcess } from './workbenchProcess'

/** The choices of the question at the end, by the index of their button. */
const STOP = 0
const KEEP = 1
const STAY = 2

/**
 * Guards the end of the app while a run works: the person chooses to stop it at its next checkpoint (it is resumed
 * later), or to let it finish with the window closed. The engine process is always closed before the app ends.
 */
export function guardQuit(window: BrowserWindow, workbench: WorkbenchProcess, signs: JobSigns): QuitGuard {
  let state: 'open' | 'background' | 'closing' | 'closed' = 'open'

  async function close(atCheckpoint: boolean): Promise<void> {
    if (state === 'closing' || state === 'closed') return
    state = 'closing'
    await workbench.close(atCheckpoint)
    state = 'closed'
    app.quit()
  }

  async function ask(): Promise<void> {
    const { response } = await dialog.showMessageBox(window, {
      type: 'question',
      message: 'A run is being worked on.',
      detail:
        'Quail can stop after the present block and go on from there next time, or keep working in the background and quit when the queue is done.',
      buttons: ['Stop at the next checkpoint and quit', 'Keep working in the background', 'Do not quit'],
      defaultId: STOP,
      cancelId: STAY
    })
    if (response === STOP) await close(true)
    if (response === KEEP) {
      state = 'background'
      window.hide()
    }
  }

  const intercept = (event: Electron.Event): void => {
    if (state === 'closed') return
    event.preventDefault()
    if (state === 'closing') return
    if (signs.running() !== null) void ask()
    else void close(false)
  }
  window.on('close', intercept)
  app.on('before-quit', intercept)
  return {
    queueChanged(running) {
      if (state === 'background' && running === null) void close(false)
    },
    shown() {
      if (state === 'background') state = 'open'
    }
  }
}

export interface QuitGuard {
  /** The queue moved on; an app that works in the background ends with it. */
  queueChanged(running: string | null): void
  /** The window was brought back. */
  shown(): void
}
