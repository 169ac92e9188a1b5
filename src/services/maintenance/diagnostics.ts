import { readFile, stat } from 'node:fs/promises'
import { arch, cpus, hostname, release, totalmem, type, userInfo } from 'node:os'
import { join } from 'node:path'
import { serializeError } from '../../shared/errors'
import { STATUS_WORDS } from '../../shared/runWords'
import { listGrants } from '../../store/grantedPaths'
import { databaseHealth } from '../../store/health'
import { databaseFile } from '../../store/home'
import { listRecipes } from '../../store/recipes'
import { userHome } from '../../store/userHome'
import { readPreferences } from '../preferences'
import { listRuns } from '../runService'
import type { Services } from '../services'
import { type Identity, redact } from './redact'
import { storageReport } from './storage'

/**
 * A text for a report of a defect: versions, machine, devices, database, storage, recent errors. It names no path of the
 * person, no user and no host.
 *
 * @param versions - of what surrounds the engine: Electron, Chromium
 */
export async function diagnosticsText(
  services: Services,
  versions: Readonly<Record<string, string>> = {}
): Promise<string> {
  const sections = [
    ['Versions', versionLines(services, versions)],
    ['Machine', machineLines()],
    ['Settings', await attempt(() => settingLines(services))],
    ['Devices', await attempt(() => deviceLines(services))],
    ['Database', await attempt(() => databaseLines(services))],
    ['Storage', await attempt(() => storageLines(services))],
    ['Failed runs, the newest first', await attempt(() => failureLines(services))],
    ['End of the log', await attempt(() => logLines(services))]
  ] as const
  const text = sections.map(([title, lines]) => [`## ${title}`, ...(lines.length === 0 ? ['none'] : lines)].join('\n'))
  return redact(
    `# Quail diagnostics, ${new Date().toISOString()}\n\n${text.join('\n\n')}\n`,
    await identityOf(services)
  )
}

/** A section that cannot be made says why; the others are still of use. */
async function attempt(section: () => Promise<string[]>): Promise<string[]> {
  try {
    return await section()
  } catch (error) {
    return [`could not be read: ${serializeError(error).message}`]
  }
}

function versionLines({ version }: Services, versions: Readonly<Record<string, string>>): string[] {
  const { node = '', v8 = '' } = process.versions
  return Object.entries({ quail: version, ...versions, node, v8 }).map(([name, value]) => `${name} ${value}`)
}

function machineLines(): string[] {
  const [first] = cpus()
  return [
    `${type()} ${release()} ${arch()}`,
    `${cpus().length} × ${first?.model.trim() ?? 'unknown processor'}`,
    `${gib(totalmem())} of memory`
  ]
}

async function settingLines({ store }: Services): Promise<string[]> {
  const { threads, memoryBudget, modelFolders, theme } = await readPreferences(store)
  return [
    `threads ${threads ?? 'one per core'}`,
    `memory budget ${gib(memoryBudget)}`,
    `model folders ${modelFolders.length}`,
    `theme ${theme}`
  ]
}

async function deviceLines({ engine }: Services): Promise<string[]> {
  const devices = await engine.call('devices', {})
  return devices.map(({ label, available, detail }) => `${available ? 'yes' : 'no '} ${label}: ${detail}`)
}

async function databaseLines({ store, home }: Services): Promise<string[]> {
  const { schema, check, sqlite, rows } = await databaseHealth(store)
  const { size } = await stat(databaseFile(home))
  const counts = Object.entries(rows).map(([table, count]) => `${table} ${count}`)
  return [`schema ${schema}, SQLite ${sqlite}, ${mib(size)}`, `quick_check ${check}`, counts.join(', ')]
}

async function storageLines(services: Services): Promise<string[]> {
  const { bytes, freeBytes, parts } = await storageReport(services)
  return [`${mib(bytes)} used, ${gib(freeBytes)} free`, ...parts.map(({ name, bytes: size }) => `${name} ${mib(size)}`)]
}

const MAX_FAILURES = 10

async function failureLines(services: Services): Promise<string[]> {
  const failed = (await listRuns(services)).filter(({ error }) => error !== null)
  return failed
    .slice(0, MAX_FAILURES)
    .map(
      ({ createdAtMs, status, error }) =>
        `${new Date(createdAtMs).toISOString()} ${STATUS_WORDS[status]} ${error?.code}: ${error?.message}`
    )
}

const LOG_CHARACTERS = 8000

async function logLines({ home }: Services): Promise<string[]> {
  const text = await readFile(join(home, 'logs', 'quail.log'), 'utf8').catch(() => '')
  return text
    .slice(-LOG_CHARACTERS)
    .split('\n')
    .filter((line) => line.trim() !== '')
}

async function identityOf({ store, home }: Services): Promise<Identity> {
  const [recipes, runs, grants, { modelFolders }] = await Promise.all([
    listRecipes(store),
    listRuns({ store, home } as Services),
    listGrants(store),
    readPreferences(store)
  ])
  const ofRecipes = recipes.flatMap(({ recipe }) => [
    recipe.model,
    ...(recipe.base === undefined ? [] : [recipe.base]),
    ...(recipe.calibration.files ?? []),
    ...(recipe.evaluation?.files ?? [])
  ])
  const paths = [...ofRecipes, ...runs.map(({ out }) => out), ...grants.map(({ path }) => path), ...modelFolders]
  return { quailHome: home, userHome: userHome() ?? '', userName: nameOfUser(), hostName: hostname(), paths }
}

/** The system has no name for a user id that no account belongs to. */
function nameOfUser(): string {
  try {
    return userInfo().username
  } catch {
    return ''
  }
}

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`
const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`
