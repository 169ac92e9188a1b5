/*
 * Lists the licences of everything that is shipped: the packages that are bundled, those that they need, and Electron.
 *
 *   node scripts/licences.mjs           writes resources/licences.json
 *   node scripts/licences.mjs --check   ends with 1 when the file is not what it would write
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const target = join(root, 'resources', 'licences.json')

/** Development packages of which nothing is shipped; any other one is taken to be bundled. */
const TOOLS =
  /^(@biomejs\/|@electron\/|@types\/|@vitejs\/|@vitest\/|adm-zip$|axe-core$|electron-(builder|installer-debian|vite)$|gpt-3-encoder$|knip$|playwright-core$|typescript$|vite$|vitest$)/

/** The folder of a package as seen from another one. */
function folderOf(name, from) {
  for (let at = from; ; at = dirname(at)) {
    const folder = join(at, 'node_modules', name)
    if (existsSync(join(folder, 'package.json'))) return folder
    if (at === dirname(at)) return undefined
  }
}

function licenceText(folder) {
  const file = readdirSync(folder).find((name) => /^(licen[cs]e|copying)(\.|-|$)/i.test(name))
  return file === undefined ? '' : readFileSync(join(folder, file), 'utf8').trim()
}

function collect() {
  const licences = new Map()
  const add = (name, from) => {
    const folder = folderOf(name, from)
    if (folder === undefined) return // an optional one of another platform
    const {
      version,
      license,
      licenses,
      dependencies = {}
    } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const key = `${name}@${version}`
    if (licences.has(key)) return
    const licence = license?.type ?? license ?? licenses?.map(({ type }) => type).join(' OR ') ?? 'unknown'
    licences.set(key, { name, version, licence, text: licenceText(folder) })
    // What only installs or downloads is not shipped with Electron itself.
    if (name !== 'electron') for (const needed of Object.keys(dependencies)) add(needed, folder)
  }
  const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const names = Object.keys({ ...own.dependencies, ...own.devDependencies })
  for (const name of names) if (!TOOLS.test(name)) add(name, root)
  return [...licences.values()].sort((a, b) =>
    a.name < b.name ? -1 : a.name > b.name ? 1 : a.version < b.version ? -1 : 1
  )
}

const text = `${JSON.stringify(collect(), null, 1)}\n`
if (process.argv.includes('--check')) {
  if (!existsSync(target) || readFileSync(target, 'utf8') !== text) {
    console.error('resources/licences.json is not current; run node scripts/licences.mjs')
    process.exitCode = 1
  }
} else writeFileSync(target, text)
