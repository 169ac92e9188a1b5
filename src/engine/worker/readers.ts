import type { EngineMethod } from '../../shared/engineApi'
import { AppError, badInput } from '../../shared/errors'
import { WorkWatch } from '../formats/workWatch'
import { ABANDON_MS, type CallOptions, type EngineThread } from './engineThread'
import type { InputOf, OutputOf } from './protocol'

/*
 * Checkpoints may be of anybody, and reading their headers and configs is one step that hears nothing. Each is therefore read
 * by a thread that does nothing else meanwhile: one that is stuck keeps nobody waiting, and is ended when it takes more than
 * any checkpoint is worth, or soon after nobody waits for it any more.
 */

const READING = ['inspect', 'survey', 'open', 'chatTemplate'] as const satisfies EngineMethod[]
type ReadingMethod = (typeof READING)[number]

/** Whether a request only reads a checkpoint. */
export const isReading = (method: EngineMethod): method is ReadingMethod => READING.includes(method as ReadingMethod)

/** Milliseconds of a processor: the headers of hundreds of thousands of tensors take a second. */
const READING_MS = 10_000

/** Threads at a time; whoever comes then waits for one. */
const MOST_THREADS = 4

export class Readers {
  #threads: EngineThread[] = []
  /** Threads in whose request somebody may still be interested. */
  readonly #taken = new Set<EngineThread>()
  /** Threads that were told to end. */
  readonly #leaving = new Set<Promise<unknown>>()
  #wake: (() => void)[] = []

  constructor(
    private readonly start: () => EngineThread,
    private readonly limitMs = READING_MS
  ) {}

  /** @throws {AppError} what the engine reports; CANCELLED; BAD_INPUT when it takes too long, naming what is read */
  async request(
    method: ReadingMethod,
    input: InputOf<ReadingMethod>,
    options: CallOptions
  ): Promise<OutputOf<ReadingMethod>> {
    const { signal } = options
    const stop = new AbortController()
    const leave = (): void => {
      stop.abort()
      this.#free()
    }
    signal?.addEventListener('abort', leave)
    if (signal?.aborted) stop.abort()
    let thread: EngineThread | undefined
    let watch: WorkWatch | undefined
    let tooLong: string | undefined
    try {
      const taken = await this.#take(stop.signal)
      thread = taken
      watch = new WorkWatch(
        this.limitMs,
        () => taken.clock,
        (time) => {
          tooLong = time
          stop.abort()
        }
      )
      return await taken.request(method, input as InputOf<typeof method>, { ...options, signal: stop.signal })
    } catch (error) {
      throw tooLong === undefined ? error : tooSlow(input, tooLong)
    } finally {
      watch?.stop()
      signal?.removeEventListener('abort', leave)
      if (thread !== undefined) this.#leave(thread, tooLong === undefined ? ABANDON_MS : 0)
    }
  }

  /** Ends threads that read nothing: what follows needs their memory more. */
  rest(): void {
    for (const thread of this.#threads) {
      if (this.#taken.has(thread)) continue
      const gone: Promise<unknown> = thread.close().finally(() => this.#leaving.delete(gone))
      this.#leaving.add(gone)
    }
    this.#threads = this.#threads.filter((thread) => this.#taken.has(thread))
  }

  /** No program ends under a thread that is ending. */
  async close(): Promise<void> {
    await Promise.all([...this.#leaving, ...this.#threads.map((thread) => thread.close())])
  }

  /** A thread that nobody else asks until it is left. */
  async #take(signal: AbortSignal): Promise<EngineThread> {
    for (;;) {
      if (signal.aborted) throw new AppError('CANCELLED', 'cancelled')
      const idle = this.#threads.find((thread) => !this.#taken.has(thread)) ?? this.#another()
      if (idle !== undefined) {
        this.#taken.add(idle)
        return idle
      }
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }

  #another(): EngineThread | undefined {
    if (this.#threads.length === MOST_THREADS) return undefined
    const thread = this.start()
    this.#threads.push(thread)
    return thread
  }

  /** Others may have the thread: at once when it has answered, else as soon as it is ended. */
  #leave(thread: EngineThread, afterMs: number): void {
    const free = (): void => {
      thread.abandon()
      this.#taken.delete(thread)
      this.#free()
    }
    if (thread.busy && afterMs > 0) setTimeout(free, afterMs).unref()
    else free()
  }

  #free(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}

const tooSlow = (input: InputOf<ReadingMethod>, time: string): AppError =>
  badInput(
    `${'path' in input ? input.path : input.model} was given up: it could not be read in ${time}; it is damaged, or its disk does not answer`
  )
