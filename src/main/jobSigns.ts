import { type BrowserWindow, Notification, powerSaveBlocker } from 'electron'
import type { WindowEvent } from '../shared/contract/events'
import { STATUS_SENTENCES, sweepEnded } from '../shared/runWords'

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
 * @param open - the person clicked a notification: the address of what it tells of
 */
export function createJobSigns(window: () => BrowserWindow | undefined, open: (to: string) => void): JobSigns {
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
      const end = endOf(event)
      if (end !== undefined) notify(end, window(), open)
    }
  }
}

interface End {
  readonly title: string
  readonly body: string
  /** Where the window shows it. */
  readonly address: string
}

/** What ended by this event, if anything: runs of a sweep are told of together. */
function endOf(event: WindowEvent): End | undefined {
  if (event.type === 'run.finished' && event.sweep === undefined) {
    const { id, title, status, sentence } = event
    return { title: `${title} ${STATUS_SENTENCES[status]}`, body: sentence, address: `/runs/${id}` }
  }
  if (event.type === 'sweep.finished') {
    const { id, name, complete, sentence } = event
    return { title: sweepEnded(name, complete), body: `${sentence}.`, address: `/sweeps/${id}` }
  }
  return undefined
}

function notify({ title, body, address }: End, window: BrowserWindow | undefined, open: (to: string) => void): void {
  if (window?.isFocused() || !Notification.isSupported()) return
  const notification = new Notification({ title, body })
  notification.on('click', () => open(address))
  notification.show()
}
