import { contextBridge, type IpcRendererEvent, ipcRenderer, webUtils } from 'electron'
import type { DesktopApi, DesktopChannels } from '../shared/contract/desktopApi'

const CHANNELS: DesktopChannels = {
  call: 'quail.call',
  cancel: 'quail.cancel',
  event: 'quail.event',
  dropped: 'quail.dropped'
}

const api: DesktopApi = {
  call: (name, input, task) => ipcRenderer.invoke(CHANNELS.call, name, input, task),
  cancel: (task) => ipcRenderer.send(CHANNELS.cancel, task),
  onEvent(listener) {
    const receive = (_event: IpcRendererEvent, payload: Parameters<typeof listener>[0]): void => listener(payload)
    ipcRenderer.on(CHANNELS.event, receive)
    return () => ipcRenderer.off(CHANNELS.event, receive)
  },
  droppedPaths: (files) =>
    ipcRenderer.invoke(CHANNELS.dropped, files.map((file) => webUtils.getPathForFile(file as File)).filter(Boolean))
}

contextBridge.exposeInMainWorld('quail', api)
