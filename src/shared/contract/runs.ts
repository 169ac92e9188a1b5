import type { Phase } from '../runEvents'

/** How far a run is, as often as the window can show it. */
export interface RunProgress {
  readonly run: string
  readonly title: string
  readonly phase: Phase
  /** Of the phase. */
  readonly done: number
  readonly total: number
  readonly blocksDone: number
  readonly blocks: number
  readonly layersDone: number
  /** From the blocks of this session alone; null before the first is done. */
  readonly remainingMs: { readonly low: number; readonly high: number } | null
  readonly tokensPerSecond: number | null
  /** Resident set of the engine's process. */
  readonly memoryBytes: number
  readonly startedAtMs: number
}
