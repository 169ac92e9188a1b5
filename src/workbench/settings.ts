import { readFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { diagnosticsText } from '../services/maintenance/diagnostics'
import { cleanUp, storageReport } from '../services/maintenance/storage'
import { limitMoments } from '../services/moments'
import { changePreferences, readPreferences } from '../services/preferences'
import type { settingsCalls } from '../shared/contract/settings'
import type { Licence, Preferences } from '../shared/settings'
import type { WorkbenchContext } from './context'
import type { HandlersOf } from './handler'

/** Preferences, storage, diagnostics and licences. */
export const settingsHandlers = ({
  services,
  installation,
  emit
}: WorkbenchContext): HandlersOf<typeof settingsCalls> => ({
  async 'settings.get'() {
    return {
      preferences: await readPreferences(services.store),
      home: services.home,
      cores: cpus().length,
      memoryBytes: totalmem(),
      threadsGiven: THREADS_GIVEN
    }
  },
  async 'settings.change'(changes) {
    const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined))
    applyThreads(await changePreferences(services.store, given))
    if (changes.momentsLimit !== undefined) await limitMoments(services, changes.momentsLimit)
    emit({ type: 'settings.changed' })
  },
  'settings.storage': () => storageReport(services),
  async 'settings.cleanUp'({ ids }) {
    const bytes = await cleanUp(services, ids)
    emit({ type: 'settings.changed' })
    return { bytes }
  },
  async 'settings.diagnostics'({ versions }) {
    return { text: await diagnosticsText(services, versions) }
  },
  async 'settings.licences'() {
    return JSON.parse(await readFile(join(installation.resources, 'licences.json'), 'utf8')) as Licence[]
  }
})

/** As the program was started: whoever sets the variable means it. */
const THREADS_GIVEN = Number(process.env.QUAIL_THREADS) || null

/** The engine's threads share the environment of this process and look at it for each session that they make. */
export function applyThreads({ threads }: Preferences): void {
  if (THREADS_GIVEN !== null) return
  if (threads === null) delete process.env.QUAIL_THREADS
  else process.env.QUAIL_THREADS = String(threads)
}
