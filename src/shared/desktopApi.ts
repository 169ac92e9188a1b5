/*
 * What the window may ask of the main process. The preload offers it as `window.quail`.
 * Types only, so that nothing of it ends up in the preload's one small file.
 */

export interface AppInfo {
  readonly name: string
  readonly version: string
}

export interface DesktopApi {
  appInfo(): Promise<AppInfo>
}

/** One IPC channel for each call; both sides spell it out, and this type holds them to the same word. */
export interface DesktopChannels extends Readonly<Record<keyof DesktopApi, string>> {
  readonly appInfo: 'app.info'
}
