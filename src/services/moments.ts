import { clearMomentSets, listMomentSets, makeRoom } from '../engine/formats/momentSets'
import type { MomentStore } from '../shared/keptMoments'
import { momentsDirectory } from '../store/home'
import { changePreferences, readPreferences } from './preferences'
import type { Services } from './services'

/** Second moments that are kept for later runs: of one model and one choice of calibration rows. */
export interface MomentsSummary {
  /** Directory of the checkpoint; null of what an interrupted process left. */
  readonly model: string | null
  readonly calibration: readonly string[]
  readonly tokens: number
  readonly complete: boolean
  readonly bytes: number
  readonly usedAtMs: number
}

/** Where runs keep second moments, and how much of them. */
export async function momentStore({ home, store }: Pick<Services, 'home' | 'store'>): Promise<MomentStore> {
  return { folder: momentsDirectory(home), limitBytes: (await readPreferences(store)).momentsLimit }
}

/** All that are kept, the ones that were used last first. */
export async function listMoments({ home }: Pick<Services, 'home'>): Promise<MomentsSummary[]> {
  const sets = await listMomentSets(momentsDirectory(home))
  return sets.map(({ bytes, usedAtMs, facts }) => ({
    model: facts?.model ?? null,
    calibration: facts?.calibration ?? [],
    tokens: facts?.tokens ?? 0,
    complete: facts?.complete ?? false,
    bytes,
    usedAtMs
  }))
}

/** Changes how much is kept; what is more goes at once. */
export async function limitMoments({ home, store }: Pick<Services, 'home' | 'store'>, momentsLimit: number) {
  await changePreferences(store, { momentsLimit })
  await makeRoom(momentsDirectory(home), '', 0, momentsLimit)
}

/** Removes all that are kept; a run that reads some computes them anew. @returns the bytes that were freed */
export const clearMoments = ({ home }: Pick<Services, 'home'>): Promise<number> =>
  clearMomentSets(momentsDirectory(home))
