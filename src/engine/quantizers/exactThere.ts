import type { DeviceMemory } from '../graph/deviceMemory'
import { bytesOf } from '../numerics/bytesOf'

/*
 * What a device has to show before its bits are taken for the processor's. WGSL promises correctly rounded sums, differences
 * and products in float32, but not of what is infinite or so small that a shader takes it for zero; and drivers have faults.
 */

/** Products and differences of what lies between these are neither infinite nor so small that a shader takes them for zero. */
export const SMALLEST = 1e-28
const LARGEST = 1e8

/** Whether all values are zero, or of a size that every shader computes with exactly. */
export function areOrdinary(values: Float32Array): boolean {
  for (let i = 0; i < values.length; i++) {
    const magnitude = Math.abs(values[i] as number)
    if (magnitude !== 0 && !(magnitude >= SMALLEST && magnitude <= LARGEST)) return false
  }
  return true
}

/** What is known of a device's arithmetic, by what was tried. */
const known = new WeakMap<DeviceMemory, Map<string, Promise<boolean>>>()

/** Whether a device gives the processor's bits in what goes by this name: tried once. */
export function isExact(memory: DeviceMemory, name: string, comparesEqual: () => Promise<boolean>): Promise<boolean> {
  const tried = known.get(memory) ?? new Map<string, Promise<boolean>>()
  known.set(memory, tried)
  const found = tried.get(name) ?? comparesEqual()
  tried.set(name, found)
  found.catch(() => tried.delete(name))
  return found
}

export const sameBytes = (a: ArrayBufferView, b: ArrayBufferView): boolean =>
  Buffer.compare(bytesOf(a), bytesOf(b)) === 0
