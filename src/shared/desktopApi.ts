/*
 * What the window may ask of the main process. The preload offers it as `window.quail`.
 */

export interface AppInfo {
  readonly name: string
  readonly version: string
}

export interface DesktopApi {
  appInfo(): Promise<AppInfo>
}

/** One IPC channel for each call. */
export const DESKTOP_CHANNELS = { appInfo: 'app.info' } as const satisfies Record<keyof DesktopApi, string>
