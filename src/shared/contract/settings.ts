import { z } from 'zod'
import { type Licence, Preferences, type StorageReport, THEMES } from '../settings'
import { call } from './call'
import { forPurpose } from './purposes'

export interface SettingsView {
  readonly preferences: Preferences
  readonly home: string
  /** Of this machine. */
  readonly cores: number
  readonly memoryBytes: number
  /** QUAIL_THREADS as it was given to the program; it decides over the preference. */
  readonly threadsGiven: number | null
}

const { threads, memoryBudget, momentsLimit, modelFolders } = Preferences.shape

/** Every field may be left out; what is left out stays as it is. */
const Changes = z.strictObject({
  theme: z.enum(THEMES).optional(),
  threads: threads.unwrap().optional(),
  memoryBudget: memoryBudget.unwrap().optional(),
  momentsLimit: momentsLimit.unwrap().optional(),
  modelFolders: modelFolders.unwrap().optional()
})

export const settingsCalls = {
  'settings.get': call<SettingsView>()(z.strictObject({})),
  'settings.change': call<void>()(Changes, {
    paths: ({ modelFolders: folders }) => forPurpose('readModel', folders ?? [])
  }),
  'settings.storage': call<StorageReport>()(z.strictObject({})),
  /** Removes entries of `StorageReport.cleanups`; answers with the bytes that were freed. */
  'settings.cleanUp': call<{ readonly bytes: number }>()(
    z.strictObject({ ids: z.array(z.string().min(1).max(500)).min(1).max(10_000) })
  ),
  'settings.diagnostics': call<{ readonly text: string }>()(
    z.strictObject({ versions: z.record(z.string().max(50), z.string().max(50)).default({}) })
  ),
  'settings.licences': call<Licence[]>()(z.strictObject({}))
} as const
