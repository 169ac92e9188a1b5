import { z } from 'zod'
import type { RunStatus } from './runEvents'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const MIB = 2 ** 20

/** What the person set for all of Quail on this machine; a recipe says everything else. */
export const Preferences = z.strictObject({
  theme: z.enum(THEMES).default('system'),
  threads: z.int().min(1).max(1024).nullable().default(null).describe('for matrix products; null: one per core'),
  memoryBudget: z
    .int()
    .min(64 * MIB)
    .max(2 ** 50)
    .default(2 ** 31)
    .describe('bytes of hidden states that a new run keeps in memory'),
  momentsLimit: z
    .int()
    .min(0)
    .max(2 ** 50)
    .default(10 * 2 ** 30)
    .describe('bytes of second moments that are kept for later runs; 0: none'),
  modelFolders: z.array(z.string().min(1)).max(100).default([]).describe('searched for checkpoints, beside the caches')
})
export type Preferences = z.infer<typeof Preferences>

export const DEFAULT_PREFERENCES: Preferences = Preferences.parse({})

/** How many bytes lie where below Quail's folder, and what of it could go. */
export interface StorageReport {
  readonly home: string
  readonly bytes: number
  /** Free on the disk that holds it. */
  readonly freeBytes: number
  readonly parts: readonly StoragePart[]
  readonly runs: readonly RunStorage[]
  readonly cleanups: readonly Cleanup[]
}

export interface StoragePart {
  readonly name: string
  readonly bytes: number
}

export interface RunStorage {
  readonly id: string
  readonly title: string
  readonly bytes: number
  readonly status: RunStatus
}

/** Something that can be removed, and what is lost with it. */
export interface Cleanup {
  readonly id: string
  readonly title: string
  readonly bytes: number
  readonly loses: string
}

export interface Licence {
  readonly name: string
  readonly version: string
  readonly licence: string
  /** Text of the licence; empty where the package brings none. */
  readonly text: string
}
