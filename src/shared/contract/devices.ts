import { z } from 'zod'
import { type DeviceReport, type DeviceSpeed, PROVIDERS } from '../devices'
import { call } from './call'

export interface DeviceCard extends DeviceReport {
  /** True when a recipe may name it. */
  readonly usedByRuns: boolean
  /** The last measurement, which outlives restarts. */
  readonly speed: MeasuredSpeed | null
}

export interface MeasuredSpeed extends DeviceSpeed {
  readonly measuredAtMs: number
}

export const deviceCalls = {
  'devices.list': call<DeviceCard[]>()(z.strictObject({})),
  /** Looks for providers again. */
  'devices.refresh': call<DeviceCard[]>()(z.strictObject({})),
  /** Speed of a large matrix product; refused while a run computes. */
  'devices.measure': call<MeasuredSpeed>()(z.strictObject({ device: z.enum(PROVIDERS) }))
} as const
