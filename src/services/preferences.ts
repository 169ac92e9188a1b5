import { DEFAULT_PREFERENCES, Preferences } from '../shared/settings'
import type { Store } from '../store/schema'
import { changeSetting, readSetting } from '../store/settings'

const KEY = 'preferences'

/** What the person set; defaults where nothing is stored. */
export const readPreferences = async (store: Store): Promise<Preferences> =>
  (await readSetting(store, KEY, Preferences)) ?? DEFAULT_PREFERENCES

/** Changes some of the settings, given as they are or as what the present ones make of them, and returns all of them. */
export const changePreferences = (
  store: Store,
  changes: Partial<Preferences> | ((now: Preferences) => Partial<Preferences>)
): Promise<Preferences> =>
  changeSetting(store, KEY, Preferences, (now = DEFAULT_PREFERENCES) =>
    Preferences.parse({ ...now, ...(typeof changes === 'function' ? changes(now) : changes) })
  )
