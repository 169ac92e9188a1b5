import { z } from 'zod'
import { call } from './call'

/* Calls that are answered even when the database could not be opened. */

export interface StoreState {
  readonly home: string
  /** Why the database cannot be used, as one sentence; null when it can. */
  readonly problem: string | null
  /** Whether a new database can be made from the run folders. */
  readonly canRebuild: boolean
}

export interface StoreRebuilt {
  readonly runs: number
  readonly calibrationSets: number
  readonly problems: readonly { readonly path: string; readonly message: string }[]
  /** Where the old file lies now. */
  readonly setAside: string | null
}

export const storeCalls = {
  'store.state': call<StoreState>()(z.strictObject({})),
  'store.rebuild': call<StoreRebuilt>()(z.strictObject({}))
} as const
