import { basename } from 'node:path'
import { SHARE_ENV, Worker } from 'node:worker_threads'
import type { EngineMethod } from '../../shared/engineApi'
import { AppError, deserializeError, type SerializedError } from '../../shared/errors'
import type { OnProgress } from '../../shared/progress'
import type { FinishedEvent, RunEvent } from '../../shared/runEvents'
import type { StartTokenizer } from '../../shared/tokenizerProcess'
import type { WorkClock } from '../formats/workWatch'
import { COMPUTING_LIMITS } from '../graph/collectGarbage'
import type { FromEngine, InputOf, OutputOf, StartMessage, ThreadData, ToEngine } from './protocol'

/*
 * The caller's side of one thread: requests under way, and what happens when it dies.
 */

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  /** Events of a run, in order; the last is `finished`. */
  readonly onEvent?: ((event: RunEvent) => void) | undefined
  /** How far a long request is, for those that tell. */
  readonly onProgress?: OnProgress | undefined
}

/** Time that work is kept up after its caller gave it up: most ends by itself, and some is asked for again. */
export const ABANDON_MS = 2000

/** Time that ended threads are waited for: a library that works for one may be stuck. */
const LEAVING_MS = 1000

interface Pending {
  readonly start: StartMessage
  readonly options: CallOptions
  readonly resolve: (output: OutputOf<EngineMethod>) => void
  readonly reject: (error: AppError) => void
  lastSeq: number
  /** Its caller has given it up; the thread still works on it. */
  cancelled: boolean
}

/** One worker thread with its requests; a thread that died is replaced by the next request. */
export class EngineThread {
  private worker: Worker | undefined
  /** Where its processor time is told; undefined until it has begun. */
  clock: WorkClock | undefined
  private ended: Promise<void> = Promise.resolve()
  private nextId = 0
  private readonly pending = new Map<number, Pending>()
  private cause: unknown
  private closing = false
  private readonly leaving = new Set<Promise<unknown>>()

  constructor(
    private readonly url: URL,
    private readonly shared: ThreadData,
    private readonly startTokenizer: StartTokenizer | undefined,
    private readonly isComputing: boolean
  ) {}

  /** Whether it works on anything, be it given up by its caller. */
  get busy(): boolean {
    return this.pending.size > 0
  }

  /** Whether it works on something that its caller waits for. */
  get wanted(): boolean {
    return [...this.pending.values()].some((pending) => !pending.cancelled)
  }

  /**
   * Ends work that nobody wants, by ending the thread; only for threads without sessions. The next request gets another
   * thread at once: this one may have to wait for a library that works for it.
   */
  abandon(): void {
    const { worker } = this
    if (worker === undefined || !this.busy) return
    this.worker = undefined
    this.clock = undefined
    this.failAll(0)
    const gone = worker.terminate().finally(() => this.leaving.delete(gone))
    this.leaving.add(gone)
  }

  request<M extends EngineMethod>(method: M, input: InputOf<M>, options: CallOptions): Promise<OutputOf<M>> {
    const { signal } = options
    if (signal?.aborted && method !== 'run') return Promise.reject(cancelled())
    const worker = this.running()
    const id = this.nextId++
    const start = { kind: 'start', id, method, input } as StartMessage
    return new Promise<OutputOf<EngineMethod>>((resolve, reject) => {
      this.pending.set(id, { start, options, resolve, reject, lastSeq: -1, cancelled: false })
      worker.ref()
      this.post(start)
      if (signal?.aborted) this.cancel(id)
      else signal?.addEventListener('abort', () => this.cancel(id), { once: true })
    }) as Promise<OutputOf<M>>
  }

  async close(): Promise<void> {
    const gone = Promise.all(this.leaving)
    await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, LEAVING_MS).unref())])
    const worker = this.worker
    if (worker === undefined) return
    this.closing = true
    worker.ref()
    for (const id of this.pending.keys()) this.cancel(id)
    this.post({ kind: 'close' })
    await (this.isComputing ? this.ended : this.endedOrStopped(worker))
  }

  /** A thread without sessions is stopped when it does not end: whatever it is at, nobody will read it. */
  private async endedOrStopped(worker: Worker): Promise<void> {
    const timer = setTimeout(() => void worker.terminate(), LEAVING_MS)
    await Promise.race([this.ended, new Promise((resolve) => setTimeout(resolve, 2 * LEAVING_MS).unref())])
    clearTimeout(timer)
    worker.unref()
  }

  private running(): Worker {
    if (this.worker !== undefined) return this.worker
    // A changed QUAIL_THREADS counts at once.
    const worker = new Worker(this.url, { env: SHARE_ENV, workerData: this.shared, resourceLimits: COMPUTING_LIMITS })
    this.worker = worker
    this.cause = undefined
    worker.on('message', (message: FromEngine) => {
      if (this.worker === worker) this.receive(message)
    })
    worker.on('error', (error) => {
      this.cause = error
    })
    this.ended = new Promise((resolve) => {
      worker.once('exit', (code) => {
        resolve()
        if (this.worker !== worker) return // given up before
        this.worker = undefined
        this.clock = undefined
        this.failAll(code)
      })
    })
    return worker
  }

  private post(message: ToEngine): void {
    this.worker?.postMessage(message)
  }

  /** A run is asked to stop and ends by itself; other requests are given up, and the late answer is dropped. */
  private cancel(id: number): void {
    const pending = this.pending.get(id)
    if (pending === undefined) return
    this.post({ kind: 'cancel', id })
    if (pending.start.method === 'run') return
    pending.cancelled = true
    pending.reject(cancelled())
  }

  private receive(message: FromEngine): void {
    if (message.kind === 'tokenizer') {
      this.startTokenizer?.(message.port)
      return
    }
    if (message.kind === 'started') {
      this.clock = message.clock
      return
    }
    const pending = this.pending.get(message.id)
    if (pending === undefined) return
    if (message.kind === 'event') {
      pending.lastSeq = message.event.seq
      pending.options.onEvent?.(message.event)
      return
    }
    if (message.kind === 'progress') {
      pending.options.onProgress?.(message.done, message.total, message.text)
      return
    }
    this.pending.delete(message.id)
    // An idle thread does not keep the program alive, except while its end is awaited.
    if (this.pending.size === 0 && !this.closing) this.worker?.unref()
    if (message.kind === 'done') pending.resolve(message.output)
    else pending.reject(deserializeError(message.error))
  }

  private failAll(code: number): void {
    for (const pending of this.pending.values()) {
      const error = deathError(this.cause, code)
      if (pending.start.method === 'run') {
        const finished = lastEvent(pending.start.input.folder, pending.lastSeq + 1, error)
        pending.options.onEvent?.(finished)
        pending.resolve({ finished })
      } else pending.reject(deserializeError(error))
    }
    this.pending.clear()
  }
}

const cancelled = (): AppError => new AppError('CANCELLED', 'cancelled')

function deathError(cause: unknown, exitCode: number): SerializedError {
  const reason = cause instanceof Error ? cause.message : `exit code ${exitCode}`
  const stack = cause instanceof Error ? cause.stack : undefined
  return { code: 'INTERNAL', message: `the engine's thread died: ${reason}`, stack }
}

/** The end of a run that cannot say it itself, after the events before `seq`. */
export const lastEvent = (folder: string, seq: number, error: SerializedError): FinishedEvent => ({
  type: 'finished',
  status: error.code === 'CANCELLED' ? 'cancelled' : 'failed',
  perplexity: {},
  variants: [],
  error,
  run: basename(folder),
  seq,
  atMs: Date.now()
})
