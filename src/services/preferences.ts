import { DEFAULT_PREFERENCES, Preferences } from '../shared/settings'
import type { Store } from '../store/schema'
import { readSetting, writeSetting } from '../store/settings'

const KEY = 'preferences'

/** What the person set; defaults where nothing is stored. */
export const readPreferences = async (store: Store): Promise<Preferences> =>
  (await readSetting(store, KEY, Preferences)) ?? DEFAULT_PREFERENCES

/** Changes some of the settings and returns all of them. */
export async function changePreferences(store: Store, changes: Partial<Preferences>): Promise<Preferences> {
  const next = Preferences.parse({ ...(await readPreferences(store)), ...changes })
  await writeSetting(store, KEY, next)
  return next
}
