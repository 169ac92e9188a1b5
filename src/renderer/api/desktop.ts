import type { DesktopApi } from '../../shared/desktopApi'

declare global {
  interface Window {
    readonly quail: DesktopApi
  }
}

/** The main process, as the preload offers it; nothing else in the window touches `window.quail`. */
export const desktop: DesktopApi = window.quail
