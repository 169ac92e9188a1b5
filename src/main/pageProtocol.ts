import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { protocol } from 'electron'
import { PAGE_HEADERS, PAGE_ORIGIN } from './pagePolicy'

const { protocol: SCHEME_AND_COLON, host: HOST } = new URL(PAGE_ORIGIN)
const SCHEME = SCHEME_AND_COLON.slice(0, -1)

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2'
}

/** Address of the page. */
export const PAGE_URL = `${PAGE_ORIGIN}/index.html`

/**
 * Makes `app:` a scheme with an origin of its own, as `https:` is: policies hold on it, and files are strangers to it. Before
 * the app is ready.
 */
export function registerPageScheme(): void {
  protocol.registerSchemesAsPrivileged([{ scheme: SCHEME, privileges: { standard: true, secure: true } }])
}

/**
 * Serves the files of one folder, and nothing else: an address is looked up among the names that the folder holds, and never
 * joined to a path.
 *
 * @param folder - with the built page
 */
export function servePage(folder: string): void {
  const files = new Map(filesBelow(folder).map((name) => [`/${name}`, join(folder, ...name.split('/'))]))
  protocol.handle(SCHEME, async ({ method, url }) => {
    const { host, pathname } = new URL(url)
    const file = method === 'GET' && host === HOST ? files.get(pathname) : undefined
    if (file === undefined) return new Response(null, { status: 404, headers: PAGE_HEADERS })
    const type = TYPES[extname(file)] ?? 'application/octet-stream'
    return new Response(await readFile(file), { headers: { ...PAGE_HEADERS, 'content-type': type } })
  })
}

/** Names of all files below a folder, with `/` between their parts; what is a link is left out. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return filesBelow(join(folder, entry.name)).map((name) => `${entry.name}/${name}`)
    return entry.isFile() ? [entry.name] : []
  })
}
