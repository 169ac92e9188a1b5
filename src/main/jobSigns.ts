import { type BrowserWindow, Notification, powerSaveBlocker } from 'electron'
import type { WindowEvent, WindowEventOf } from '../shared/contract/events'
import { STATUS_SENTENCES } from '../shared/runWords'

/** What the desktop shows of the engine's work, outside of the window's page. */
export interface JobSigns {
  /** Follows the events that the window gets too. */
  accept(event: WindowEvent): void
  /** The run that is worked on now, null between runs. */
  running(): string | null
}

/**
 * Task bar progress and a machine kept awake while a run works; a notification that names the result at its end, when
 * the window is not looked at.
 *
 * @param open - the person clicked the notification of this run
 */
export function createJobSigns(window: () => BrowserWindow | undefined, open: (run: string) => void): JobSigns {
  let running: string | null = null
  let blocker: number | undefined

  function setRunning(run: string | null): void {
    running = run
    if (run !== null && blocker === undefined) blocker = powerSaveBlocker.start('prevent-app-suspension')
    if (run === null && blocker !== undefined) {
      powerSaveBlocker.stop(blocker)
      blocker = undefined
      window()?.setProgressBar(-1)
    }
  }

  return {
    running: () => running,
    accept(event) {
      if (event.type === 'queue.changed') setRunning(event.running)
      if (event.type === 'engine.state' && (event.state === 'restarting' || event.state === 'gaveUp')) setRunning(null)
      if (event.type === 'run.progress') window()?.setProgressBar(event.progress.share)
      if (event.type === 'run.finished') notify(event, window(), open)
    }
  }
}

function notify(
  { id, title, status, sentence }: WindowEventOf<'run.finished'>,
  window: BrowserWindow | undefined,
  open: (run: string) => void
): void {
  if (window?.isFocused() || !Notification.isSupported()) return
  const notification = new Notification({ title: `${title} ${STATUS_SENTENCES[status]}`, body: sentence })
  notification.on('click', () => open(id))
  notification.show()
}
