import { contextBridge, ipcRenderer } from 'electron'
import type { DesktopApi, DesktopChannels } from '../shared/desktopApi'

const CHANNELS: DesktopChannels = { appInfo: 'app.info' }

const api: DesktopApi = {
  appInfo: () => ipcRenderer.invoke(CHANNELS.appInfo)
}

contextBridge.exposeInMainWorld('quail', api)
