import { join } from 'node:path'
import { app, BrowserWindow, dialog, nativeTheme } from 'electron'
import { DEVELOPMENT_SERVER, lockPage } from './lockDown'
import { PAGE_URL } from './pageProtocol'
import { keepWindowState, readWindowState } from './windowState'

const BACKGROUND = { light: '#ffffff', dark: '#1a1b1e' } as const

/** A second crash this soon is not put right by loading the page once more. */
const CRASHES_AGAIN_MS = 5000

/** Opens the one window: sandboxed, without Node, and unable to leave its page or to open others. */
export function createWindow(icon: string): BrowserWindow {
  const state = readWindowState()
  const window = new BrowserWindow({
    width: 1280,
    height: 820,
    ...state?.bounds,
    minWidth: 800,
    minHeight: 560,
    show: false,
    title: app.getName(),
    icon,
    backgroundColor: nativeTheme.shouldUseDarkColors ? BACKGROUND.dark : BACKGROUND.light,
    webPreferences: {
      preload: join(import.meta.dirname, '../preload/index.cjs'),
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webviewTag: false,
      spellcheck: false
    }
  })
  if (state?.maximized) window.maximize()
  keepWindowState(window)
  window.once('ready-to-show', () => window.show())
  lockPage(window.webContents)
  reopenAfterCrash(window)
  void window.loadURL(DEVELOPMENT_SERVER ?? PAGE_URL)
  return window
}

/** A page that crashed is loaded again at the address where it was; when it crashes at once again, the person decides. */
function reopenAfterCrash(window: BrowserWindow): void {
  let lastMs = Number.NEGATIVE_INFINITY
  window.webContents.on('render-process-gone', async (_event, { reason }) => {
    if (reason === 'clean-exit') return
    const again = Date.now() - lastMs < CRASHES_AGAIN_MS
    lastMs = Date.now()
    if (again && !(await wantsToReload(window, reason))) app.quit()
    else window.webContents.reload()
  })
}

async function wantsToReload(window: BrowserWindow, reason: string): Promise<boolean> {
  const { response } = await dialog.showMessageBox(window, {
    type: 'error',
    message: `The page crashed twice (${reason})`,
    detail: 'Runs go on in the engine and nothing that they wrote is lost. Quit stops them at their next checkpoint.',
    buttons: ['Load it again', 'Quit'],
    defaultId: 0,
    cancelId: 0
  })
  return response === 0
}

export function focusWindow(window: BrowserWindow): void {
  if (window.isMinimized()) window.restore()
  window.show()
  window.focus()
}
