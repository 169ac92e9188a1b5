import { join } from 'node:path'
import { app, BrowserWindow, nativeTheme, session } from 'electron'

const BACKGROUND = { light: '#ffffff', dark: '#242424' } as const

/** Opens the one window: sandboxed, without Node, and unable to leave its page or to open others. */
export function createWindow(): BrowserWindow {
  session.defaultSession.setPermissionRequestHandler((_contents, _permission, decide) => decide(false))
  const window = new BrowserWindow({
    width: 1100,
    height: 760,
    minWidth: 720,
    minHeight: 480,
    show: false,
    title: app.getName(),
    backgroundColor: nativeTheme.shouldUseDarkColors ? BACKGROUND.dark : BACKGROUND.light,
    webPreferences: {
      preload: join(import.meta.dirname, '../preload/index.cjs'),
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false
    }
  })
  window.once('ready-to-show', () => window.show())
  window.webContents.setWindowOpenHandler(() => ({ action: 'deny' }))
  window.webContents.on('will-navigate', (event) => event.preventDefault())
  void loadPage(window)
  return window
}

function loadPage(window: BrowserWindow): Promise<void> {
  const developmentServer = process.env.ELECTRON_RENDERER_URL
  if (!app.isPackaged && developmentServer !== undefined) return window.loadURL(developmentServer)
  return window.loadFile(join(import.meta.dirname, '../renderer/index.html'))
}

export function focusWindow(window: BrowserWindow): void {
  if (window.isMinimized()) window.restore()
  window.focus()
}
