import { app, type BrowserWindow } from 'electron'
import { answerWindow } from './ipc'
import { createWindow, focusWindow } from './window'

/*
 * Composition of the desktop app. Waiting for readiness with a top-level await would deadlock the packaged app, so
 * everything starts from the promise's callback.
 */

let window: BrowserWindow | undefined

function start(): void {
  window = createWindow()
  answerWindow(window)
  app.on('second-instance', () => {
    if (window !== undefined) focusWindow(window)
  })
}

if (app.requestSingleInstanceLock()) {
  app.on('window-all-closed', () => app.quit())
  void app.whenReady().then(start)
} else {
  app.quit()
}
