import { opendir, stat } from 'node:fs/promises'
import { AppError, serializeError } from '../../shared/errors'

export interface ScanLimits {
  /** Directory entries that are looked at, in all places together. */
  readonly entries: number
  /** Folders below an added one that are gone into, one in the other. */
  readonly depth: number
  readonly milliseconds: number
  /** Milliseconds for reading the headers of one checkpoint: a moment's work, that a busy machine may take long to come to. */
  readonly perModelMs: number
}

/** Far above what a person has: a cache of hundreds of models has some ten thousand entries and takes a second. */
export const SCAN_LIMITS: ScanLimits = { entries: 200_000, depth: 3, milliseconds: 60_000, perModelMs: 60_000 }

/** What a scan may still spend; a folder of a million files or a dead network share ends it early, with a sentence. */
export class ScanBudget {
  #entries = 0
  readonly #deadlineMs: number

  constructor(
    readonly limits: ScanLimits,
    private readonly signal: AbortSignal
  ) {
    this.#deadlineMs = performance.now() + limits.milliseconds
  }

  /**
   * Names in a directory, sorted.
   *
   * @throws {AppError} IO when it cannot be read, BAD_INPUT when the budget is used up; the signal's reason
   */
  async namesIn(directory: string): Promise<string[]> {
    const names: string[] = []
    for await (const { name } of await opendir(directory)) {
      this.spend(directory)
      names.push(name)
    }
    return names.sort()
  }

  /** Counts one entry. */
  spend(directory: string): void {
    this.signal.throwIfAborted()
    this.#entries++
    const { entries, milliseconds } = this.limits
    if (this.#entries > entries)
      throw new AppError('BAD_INPUT', `the search ended in ${directory} after ${entries} entries`)
    if (performance.now() > this.#deadlineMs)
      throw new AppError('BAD_INPUT', `the search ended in ${directory} after ${milliseconds / 1000} s`)
  }
}

/** True for a directory, or a link that leads to one. */
export const isDirectory = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false
  )

/** One sentence about anything that went wrong; a cancelled scan goes on being cancelled. */
export function sentenceOf(error: unknown, signal: AbortSignal): string {
  signal.throwIfAborted()
  return serializeError(error).message
}
