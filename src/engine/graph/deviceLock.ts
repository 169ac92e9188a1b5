import { setTimeout as sleep } from 'node:timers/promises'
import { PROVIDERS, type ProviderName } from '../../shared/devices'

/*
 * Two sessions that compute on one graphics card at the same time bring the library down. The engine's threads share one
 * word of memory for each device: whoever makes it 1 may compute there, until it is 0 again. The processor needs none.
 * One word more counts how often somebody asked anew which devices there are.
 */

const FREE = 0
const HELD = 1
/** Seldom does anybody wait: for a probe of the device while a run computes there. */
const POLL_MS = 2

/** The word behind those of the devices. */
const LOOKS = PROVIDERS.length

/** Memory for the locks of one process, to be given to all its threads. */
export const deviceLockMemory = (): SharedArrayBuffer => new SharedArrayBuffer(4 * (PROVIDERS.length + 1))

let words = new Int32Array(deviceLockMemory())

/** Takes up the memory that this thread shares with the others. */
export const shareDeviceLocks = (memory: SharedArrayBuffer): void => {
  words = new Int32Array(memory)
}

/** How often somebody asked anew which devices there are, in any thread. */
export const looksForDevices = (): number => Atomics.load(words, LOOKS)

/** Tells all threads that what they know of devices is old. */
export const countLookForDevices = (): void => void Atomics.add(words, LOOKS, 1)

/** Does work on a device when nobody else in this process does; others wait, in no certain order. */
export async function alone<T>(device: ProviderName, work: () => Promise<T>): Promise<T> {
  if (device === 'cpu') return work()
  const word = PROVIDERS.indexOf(device)
  while (Atomics.compareExchange(words, word, FREE, HELD) !== FREE) await sleep(POLL_MS)
  try {
    return await work()
  } finally {
    Atomics.store(words, word, FREE)
  }
}
