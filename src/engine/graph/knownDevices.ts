import type { DeviceReport } from '../../shared/devices'
import { countLookForDevices, looksForDevices } from './deviceLock'
import { listDevices } from './devices'

/*
 * A probe of a graphics card takes longer than a plan, so that each thread keeps what it found, until somebody asks anew
 * in any of them: a card whose driver came since is known to the next plan.
 */

let known: { readonly looks: number; readonly reports: Promise<DeviceReport[]> } | undefined

/** Looks which devices there are, and lets all threads look again when they next need to know. */
export function lookForDevices(): Promise<DeviceReport[]> {
  countLookForDevices()
  return knownDevices()
}

/** The devices as this thread found them after the last look of any. */
export async function knownDevices(): Promise<DeviceReport[]> {
  const looks = looksForDevices()
  if (known?.looks !== looks) known = { looks, reports: listDevices() }
  const { reports } = known
  try {
    return await reports
  } catch (error) {
    known = undefined
    throw error
  }
}
