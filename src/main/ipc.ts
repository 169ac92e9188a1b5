import { app, type BrowserWindow, type IpcMainInvokeEvent, ipcMain } from 'electron'
import type { AppInfo, DesktopChannels } from '../shared/desktopApi'
import { AppError } from '../shared/errors'

const CHANNELS: DesktopChannels = { appInfo: 'app.info' }

/** Answers the calls of DesktopApi, and only from this window's own main frame. */
export function answerWindow(window: BrowserWindow): void {
  const mainFrame = window.webContents.mainFrame
  ipcMain.handle(CHANNELS.appInfo, (event): AppInfo => {
    assertTrustedSender(event, mainFrame)
    return { name: app.getName(), version: app.getVersion() }
  })
}

function assertTrustedSender(event: IpcMainInvokeEvent, mainFrame: Electron.WebFrameMain): void {
  if (event.senderFrame !== mainFrame) {
    throw new AppError(
      'INTERNAL',
      `a call came from ${event.senderFrame?.url ?? 'a closed frame'}, not from the window`
    )
  }
}
