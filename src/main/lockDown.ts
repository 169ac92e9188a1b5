import { app, type Session, type WebContents } from 'electron'
import { PAGE_ORIGIN } from './pagePolicy'

/*
 * What no page of ours needs is refused: requests that are not ours, names that are looked up, permissions, downloads, other
 * windows, other addresses, embedded pages, devices. The policy of the page says the same; this holds also without it.
 */

/** Address of the development server; undefined in a package, and where the page is served as built. */
export const DEVELOPMENT_SERVER = app.isPackaged ? undefined : process.env.ELECTRON_RENDERER_URL

/** Origin of the window's page. */
export const TRUSTED_ORIGIN = DEVELOPMENT_SERVER === undefined ? PAGE_ORIGIN : new URL(DEVELOPMENT_SERVER).origin

/** Switches of Chromium, before the app is ready. */
export function forbidNetwork(): void {
  const { commandLine } = app
  // No name has an address, and no number either: what every way out begins with fails, also what no request shows.
  const own = DEVELOPMENT_SERVER === undefined ? '' : `, EXCLUDE ${new URL(DEVELOPMENT_SERVER).hostname}`
  commandLine.appendSwitch('host-resolver-rules', `MAP * ~NOTFOUND${own}`)
  commandLine.appendSwitch('force-webrtc-ip-handling-policy', 'disable_non_proxied_udp')
  commandLine.appendSwitch('disable-background-networking')
}

/** Refuses what a session may be asked for, whoever asks. */
export function lockSession(session: Session): void {
  session.webRequest.onBeforeRequest(({ url }, decide) => decide({ cancel: !isOurs(url) }))
  session.setPermissionRequestHandler((_contents, _permission, decide) => decide(false))
  session.setPermissionCheckHandler(() => false)
  session.setDevicePermissionHandler(() => false)
  session.on('will-download', (event) => event.preventDefault())
  session.setSpellCheckerEnabled(false)
}

/** Keeps a page where it is, and alone. */
export function lockPage(contents: WebContents): void {
  contents.setWindowOpenHandler(() => ({ action: 'deny' }))
  contents.setWebRTCIPHandlingPolicy('disable_non_proxied_udp')
  contents.on('will-navigate', (event) => event.preventDefault())
  contents.on('will-frame-navigate', (event) => event.preventDefault())
  contents.on('will-redirect', (event) => event.preventDefault())
  contents.on('will-attach-webview', (event) => event.preventDefault())
}

/** The page's own parts; pictures that it draws itself; in development the server and the developer's tools. */
function isOurs(url: string): boolean {
  const { protocol, host, origin } = new URL(url)
  if (protocol === 'data:') return true
  // Not `origin`, which is "null" for schemes that Node does not know.
  if (`${protocol}//${host}` === PAGE_ORIGIN) return true
  if (DEVELOPMENT_SERVER === undefined) return !app.isPackaged && protocol === 'devtools:'
  return origin.replace(/^ws/, 'http') === TRUSTED_ORIGIN || protocol === 'devtools:'
}
