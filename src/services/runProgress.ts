import type { RunProgress } from '../shared/contract/runs'
import type { RunEvent } from '../shared/runEvents'

/** Blocks of one run differ; a remaining time from few of them is this much wider on either side. */
const MARGIN = 0.1

/**
 * Follows the events of a run and says how far it is.
 *
 * The remaining time comes from the blocks that this process has finished: those of an earlier session ran on another
 * machine or beside other work.
 */
export class ProgressTracker {
  #phase: RunProgress['phase'] = 'reading'
  #done = 0
  #total = 1
  #blocks = 0
  #blocksDone = 0
  #layersDone = 0
  #tokens = 0
  #blockStartedAtMs = 0
  readonly #durations: number[] = []

  constructor(
    private readonly run: string,
    private readonly title: string,
    private readonly startedAtMs: number
  ) {}

  accept(event: RunEvent): void {
    switch (event.type) {
      case 'planned':
        this.#blocks = event.blocks
        this.#blocksDone = event.resumedBlocks
        this.#tokens = event.calibrationTokens
        return
      case 'phaseStarted':
        this.#phase = event.phase
        this.#done = 0
        this.#total = event.total
        this.#blockStartedAtMs = event.atMs
        return
      case 'phaseProgress':
        this.#done = event.done
        this.#total = event.total
        return
      case 'layerFinished':
        this.#layersDone++
        return
      case 'blockFinished':
        this.#blocksDone = event.block + 1
        this.#done = this.#blocksDone
        this.#durations.push(event.durationMs)
        this.#blockStartedAtMs = event.atMs
        return
      default:
        return
    }
  }

  snapshot(memoryBytes: number, nowMs: number = Date.now()): RunProgress {
    return {
      run: this.run,
      title: this.title,
      phase: this.#phase,
      done: this.#done,
      total: this.#total,
      blocksDone: this.#blocksDone,
      blocks: this.#blocks,
      layersDone: this.#layersDone,
      remainingMs: this.#remaining(nowMs),
      tokensPerSecond: this.#tokensPerSecond(),
      memoryBytes,
      startedAtMs: this.startedAtMs
    }
  }

  #remaining(nowMs: number): RunProgress['remainingMs'] {
    if (this.#durations.length === 0 || this.#phase !== 'blocks') return null
    const left = this.#blocks - this.#blocksDone
    const elapsed = Math.max(0, nowMs - this.#blockStartedAtMs)
    const bound = (duration: number, margin: number): number =>
      Math.max(0, left * duration * margin - Math.min(elapsed, duration))
    return {
      low: bound(Math.min(...this.#durations), 1 - MARGIN),
      high: bound(Math.max(...this.#durations), 1 + MARGIN)
    }
  }

  /** Calibration tokens through one block per second. */
  #tokensPerSecond(): number | null {
    const last = this.#durations.at(-1)
    return last === undefined || last === 0 ? null : (1000 * this.#tokens) / last
  }
}
