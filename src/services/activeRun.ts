import type { RunProgress } from '../shared/contract/runs'
import type { RunEvent } from '../shared/runEvents'
import { ProgressTracker } from './runProgress'

interface RunListener {
  readonly onProgress: (progress: RunProgress) => void
  readonly onRunChanged: (id: string) => void
}

/** Progress reaches the window this often at most, changed tables ten times less. */
const PROGRESS_INTERVAL_MS = 100
const CHANGED_INTERVAL_MS = 1000
/** A run that is to end is given up when it shows nothing for this long, and for so many times its longest silence before. */
const GIVEN_UP_MS = 20_000
const SILENCES = 3

/** Milestones of the progress, however quickly they follow. */
const SHOWN_ALWAYS: ReadonlySet<RunEvent['type']> = new Set(['blockFinished', 'finished'])

/** The run that is worked on: its progress, and how it is told to stop. */
export class ActiveRun {
  readonly #tracker = new ProgressTracker()
  readonly #startedAtMs = Date.now()
  readonly #abort = new AbortController()
  #ended!: () => void
  readonly #whenEnded = new Promise<void>((resolve) => {
    this.#ended = resolve
  })
  #atCheckpoint = false
  #putBack = false
  #heardMs = performance.now()
  #longestSilenceMs = 0
  #lastShownMs = Number.NEGATIVE_INFINITY
  #lastChangedMs = Number.NEGATIVE_INFINITY

  constructor(
    readonly id: string,
    private readonly title: string,
    private readonly listener: RunListener
  ) {}

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Whether the run, once stopped, waits in the queue again instead of counting as cancelled. */
  get putsBack(): boolean {
    return this.#putBack
  }

  /** Whether nothing shows that it is still worked on: the thread may be stuck. */
  get isStuck(): boolean {
    return performance.now() - this.#heardMs > Math.max(GIVEN_UP_MS, SILENCES * this.#longestSilenceMs)
  }

  snapshot(): RunProgress {
    const { id: run, title } = this
    return this.#tracker.snapshot({
      run,
      title,
      startedAtMs: this.#startedAtMs,
      memoryBytes: process.memoryUsage.rss()
    })
  }

  readonly accept = (event: RunEvent): void => {
    this.#tracker.accept(event)
    const now = performance.now()
    this.#longestSilenceMs = Math.max(this.#longestSilenceMs, now - this.#heardMs)
    this.#heardMs = now
    if (now - this.#lastShownMs >= PROGRESS_INTERVAL_MS || SHOWN_ALWAYS.has(event.type)) {
      this.#lastShownMs = now
      this.listener.onProgress(this.snapshot())
    }
    if (event.type === 'blockFinished' && this.#atCheckpoint) this.#abort.abort()
    const tells = ['planned', 'blockFinished', 'evaluated', 'artifactWritten'].includes(event.type)
    // Layers finish in quick succession; what the window then asks for again is a whole table.
    const often = event.type === 'layerFinished' && now - this.#lastChangedMs >= CHANGED_INTERVAL_MS
    if (!tells && !often) return
    this.#lastChangedMs = now
    this.listener.onRunChanged(this.id)
  }

  /** Resolves when the run has stopped. */
  stop({ putBack = false } = {}): Promise<void> {
    this.#putBack = putBack
    this.#abort.abort()
    return this.#whenEnded
  }

  /** After its last block a run is as good as done: it then ends by itself. */
  stopAtCheckpoint(): void {
    this.#atCheckpoint = true
    this.#putBack = true
  }

  keepOn(): void {
    this.#atCheckpoint = false
    this.#putBack = false
  }

  end(): void {
    this.#ended()
  }
}
