import { contextBridge, ipcRenderer } from 'electron'
import { DESKTOP_CHANNELS, type DesktopApi } from '../shared/desktopApi'

const api: DesktopApi = {
  appInfo: () => ipcRenderer.invoke(DESKTOP_CHANNELS.appInfo)
}

contextBridge.exposeInMainWorld('quail', api)
