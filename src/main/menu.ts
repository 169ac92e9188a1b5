import { app, type BrowserWindow, Menu, type MenuItemConstructorOptions } from 'electron'
import type { WindowEvent } from '../shared/contract/events'

type Item = MenuItemConstructorOptions

/** Pages that the Go menu reaches, with their shortcut's digit. */
const PAGES: readonly (readonly [label: string, to: string])[] = [
  ['Home', '/'],
  ['Models', '/models'],
  ['Data', '/data'],
  ['Runs', '/runs'],
  ['Sweeps', '/sweeps'],
  ['Compare', '/compare'],
  ['Devices', '/devices'],
  ['Settings', '/settings']
]

/** The application's menu: the platform's own entries, and the pages and actions of the window. */
export function installMenu(window: BrowserWindow, tell: (event: WindowEvent) => void): void {
  const go = (to: string) => () => tell({ type: 'navigate', to })
  const mac = process.platform === 'darwin'
  const appMenu: Item[] = mac ? [{ role: 'appMenu' }] : []
  const file: Item = {
    label: '&File',
    submenu: [
      { label: 'New run', accelerator: 'CmdOrCtrl+N', click: go('/new') },
      { label: 'Open recipe…', accelerator: 'CmdOrCtrl+O', click: () => tell({ type: 'menu', action: 'openRecipe' }) },
      { type: 'separator' },
      mac ? { role: 'close' } : { role: 'quit' }
    ]
  }
  const view: Item = {
    label: '&View',
    submenu: [
      {
        label: 'Command palette',
        accelerator: 'CmdOrCtrl+K',
        // The page listens to the keys itself; the entry only shows them and serves the mouse.
        registerAccelerator: false,
        click: () => tell({ type: 'menu', action: 'palette' })
      },
      { type: 'separator' },
      { role: 'resetZoom' },
      { role: 'zoomIn' },
      { role: 'zoomOut' },
      { role: 'togglefullscreen' },
      ...(app.isPackaged ? [] : [{ role: 'toggleDevTools' } as Item])
    ]
  }
  const goMenu: Item = {
    label: '&Go',
    submenu: [
      {
        label: 'Back',
        accelerator: mac ? 'Cmd+[' : 'Alt+Left',
        click: () => window.webContents.navigationHistory.goBack()
      },
      {
        label: 'Forward',
        accelerator: mac ? 'Cmd+]' : 'Alt+Right',
        click: () => window.webContents.navigationHistory.goForward()
      },
      { type: 'separator' },
      ...PAGES.map(([label, to], index): Item => ({ label, accelerator: `CmdOrCtrl+${index + 1}`, click: go(to) }))
    ]
  }
  const help: Item = {
    role: 'help',
    submenu: [
      { label: 'Keyboard shortcuts', click: () => tell({ type: 'menu', action: 'shortcuts' }) },
      { label: 'Diagnostics', click: go('/settings?panel=diagnostics') },
      { label: 'About Quail', click: go('/settings?panel=about') }
    ]
  }
  Menu.setApplicationMenu(Menu.buildFromTemplate([...appMenu, file, { role: 'editMenu' }, view, goMenu, help]))
}
