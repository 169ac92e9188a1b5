import type { DeviceReport, ProviderName } from '../../../shared/devices'
import { TENSOR_LIMIT_BYTES } from './computeLimits'

export type Facts = Pick<DeviceReport, 'adapters' | 'limits' | 'software'>

/** Why a device cannot be used here, and what a person can do about it. */
export interface Obstacle {
  readonly reason: string
  readonly remedy?: string | undefined
}

/** What Quail knows of one execution provider: a new one is a file beside this one and a line in registry.ts. */
export interface Device {
  readonly name: ProviderName
  /** As the library takes it. */
  readonly provider: string | { readonly name: string; readonly deviceId: number }
  /**
   * Makes loadable what the provider needs, and finds out what is missing without asking the library, whose own words say
   * less. Called before each session: repeated calls cost nothing.
   */
  readonly prepare?: () => Promise<Obstacle | undefined>
  /** Whether tensors can stay in its memory from one computation to the next. */
  readonly keepsTensors?: true
  /** Memory of each card that it may compute on, bytes, as far as drivers tell. */
  readonly memory?: () => Promise<readonly number[]>
  /** What to do when the library itself says no. */
  readonly remedy?: () => string | undefined
  /** What it computes on, with its limits. */
  readonly facts: (available: boolean) => Promise<Facts>
}

export const largestTensor = { name: 'largest tensor', value: TENSOR_LIMIT_BYTES, unit: 'bytes' } as const

/** Of each card, in the order of the cards. */
export const memoryLimits = (sizes: readonly number[]): Facts['limits'] =>
  sizes.map((value) => ({ name: 'memory of the card', value, unit: 'bytes' }))

const SYSTEMS: Partial<Readonly<Record<NodeJS.Platform, string>>> = {
  linux: 'Linux',
  win32: 'Windows',
  darwin: 'macOS'
}

/** This system, as people call it. */
export const systemName = (): string => SYSTEMS[process.platform] ?? process.platform

/** A provider that can be measured, but that recipes do not name. */
export const notForRuns = (): string => 'nothing needs to be done: runs compute on other devices'

/** Of a provider that is a part of one system: asking the library elsewhere would only say that it does not know it. */
export const partOf = (platform: NodeJS.Platform, sentence: string) => async (): Promise<Obstacle | undefined> =>
  process.platform === platform ? undefined : { reason: `${sentence}; this is ${systemName()}`, remedy: notForRuns() }
