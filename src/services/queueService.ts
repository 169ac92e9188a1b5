import { z } from 'zod'
import type { RunProgress } from '../shared/contract/runs'
import { AppError, badInput, serializeError } from '../shared/errors'
import type { Recipe } from '../shared/recipe'
import type { RunOutcome } from '../shared/runFolder'
import { STATUS_SENTENCES } from '../shared/runWords'
import { orderQueue, queueRun, unqueueRun } from '../store/queue'
import { listQueue } from '../store/runQueries'
import { finishRun } from '../store/runs'
import { readSetting, writeSetting } from '../store/settings'
import { ActiveRun } from './activeRun'
import { assertResumable, createRun, getRun, moveOut, type Run, startQueuedRun } from './runService'
import type { Services } from './services'

/** How a run ended. */
export type RunEnd = Pick<RunOutcome, 'status' | 'perplexity' | 'error'>

/** What others are told of the queue; every fact is stored before. */
export interface QueueListener {
  /** Another run is worked on, or the order changed. */
  readonly onChange: (state: {
    readonly running: string | null
    readonly waiting: number
    readonly held: boolean
  }) => void
  /** At most ten times a second. */
  readonly onProgress: (progress: RunProgress) => void
  /** A run's row or results changed. */
  readonly onRunChanged: (id: string) => void
  readonly onFinished: (run: Run, outcome: RunEnd) => void
}

const HELD = 'queue.held'

/** How often a run that is to stop is looked at. */
const LOOK_MS = 500

/**
 * Works on queued runs, one at a time, in their order. The queue lies in the database: it survives the process, and
 * runs that another process works on are left to it.
 */
export class Queue {
  #held = false
  #closed = false
  #work: Promise<void> = Promise.resolve()
  #active: ActiveRun | undefined

  private constructor(
    private readonly services: Services,
    private readonly listener: QueueListener
  ) {}

  /** Reads whether the queue was held, and goes on where it was left. */
  static async open(services: Services, listener: QueueListener): Promise<Queue> {
    const queue = new Queue(services, listener)
    queue.#held = (await readSetting(services.store, HELD, z.boolean())) ?? false
    // Who waits for the end of the queue learns it also from a process that finds it empty.
    await queue.#changed(null)
    queue.#pump()
    return queue
  }

  get held(): boolean {
    return this.#held
  }

  /** The run that is worked on now. */
  get running(): string | null {
    return this.#active?.id ?? null
  }

  get progress(): RunProgress | null {
    return this.#active?.snapshot() ?? null
  }

  /**
   * Puts a new run of this recipe at the end.
   *
   * @param chooseOut - the output directory for the run's id
   * @returns the run's id
   * @throws {AppError} BAD_INPUT as `createRun`
   */
  async enqueue(recipe: Recipe, chooseOut: (id: string) => string, project?: string): Promise<string> {
    const { id } = await createRun(this.services, recipe, chooseOut, { queued: true, ...(project && { project }) })
    await this.#changed(id)
    this.#pump()
    return id
  }

  /**
   * Puts a run that was interrupted, cancelled or failed back into the queue; it goes on after its last finished block.
   * One that is there already, after a double click, stays as it is.
   *
   * @param out - another directory for its adapters; default: that of the run
   * @throws {AppError} BAD_INPUT when it is completed, or for the directory as `createRun`; LOCKED when another process works
   *   on it
   */
  async requeue(id: string, out?: string): Promise<void> {
    const run = await getRun(this.services, id)
    if (run.status === 'completed') throw badInput(`run ${id} is completed; its result lies in ${run.out}`)
    if (out === undefined && (run.status === 'queued' || this.running === id)) return
    if (run.status === 'queued') throw badInput(`run ${id} is in the queue already`)
    if (run.status === 'running') throw new AppError('LOCKED', `run ${id} is being worked on`)
    assertResumable(run)
    if (out !== undefined) await moveOut(this.services, id, out)
    await queueRun(this.services.store, id)
    await this.#changed(id)
    this.#pump()
  }

  /**
   * Stops a run within seconds, or takes it out of the queue; it can be put back at any time. One that was stopped already,
   * after a double click, stays as it is.
   */
  async cancel(id: string): Promise<void> {
    if (this.#active?.id === id) {
      await this.#active.stop()
      return
    }
    const run = await getRun(this.services, id)
    if (run.status === 'running') throw new AppError('LOCKED', `another process works on run ${id}; stop it there`)
    if (run.status === 'cancelled') return
    if (run.status !== 'queued') throw badInput(`run ${id} is not in the queue; it ${STATUS_SENTENCES[run.status]}`)
    await unqueueRun(this.services.store, id)
    await this.#changed(id)
  }

  /** Says and does what changed beside this queue: a run that waits came back. */
  async lookAgain(): Promise<void> {
    await this.#changed(null)
    this.#pump()
  }

  /**
   * Holds the queue, or lets it go on. When it is held the run that is worked on stops after its present block and
   * becomes the first that waits.
   */
  async setHeld(held: boolean): Promise<void> {
    this.#held = held
    await writeSetting(this.services.store, HELD, held)
    if (held) this.#active?.stopAtCheckpoint()
    else this.#active?.keepOn()
    await this.#changed(null)
    this.#pump()
  }

  /** Gives the queued runs this order; ids that are not queued any more are passed over. */
  async reorder(ids: readonly string[]): Promise<void> {
    const queued = (await listQueue(this.services.store)).map(({ id }) => id)
    const wanted = ids.filter((id) => queued.includes(id))
    await orderQueue(this.services.store, [...wanted, ...queued.filter((id) => !wanted.includes(id))])
    await this.#changed(null)
  }

  /**
   * Ends the work for now: the run that is worked on stops after its present part, or at once, and waits first in the
   * queue for the next start.
   *
   * @returns false when the run shows nothing any more, and was given up: it is found again as after a crash
   */
  async close({ atCheckpoint }: { readonly atCheckpoint: boolean }): Promise<boolean> {
    this.#closed = true
    if (atCheckpoint) this.#active?.stopAtCheckpoint()
    else void this.#active?.stop({ putBack: true })
    let watch: ReturnType<typeof setInterval> | undefined
    const stuck = new Promise<boolean>((done) => {
      watch = setInterval(() => this.#active?.isStuck && done(false), LOOK_MS)
    })
    const ended = await Promise.race([this.#work.then(() => true), stuck])
    clearInterval(watch)
    return ended
  }

  /** Starts the next run when none is worked on. */
  #pump(): void {
    this.#work = this.#work.then(() => this.#next()).catch(() => undefined)
  }

  async #next(): Promise<void> {
    while (!this.#held && !this.#closed) {
      const [next] = await listQueue(this.services.store)
      if (next === undefined) return
      await this.#execute(next.id, next.name ?? next.id)
    }
  }

  async #execute(id: string, title: string): Promise<void> {
    const { store } = this.services
    const active = new ActiveRun(id, title, this.listener)
    this.#active = active
    try {
      await this.#changed(id)
      const finished = await startQueuedRun(this.services, id, { signal: active.signal, onEvent: active.accept })
      active.end()
      if (active.putsBack && finished.status === 'cancelled') await this.#putFirst(id)
      else this.listener.onFinished(await getRun(this.services, id), finished)
    } catch (error) {
      active.end()
      // LOCKED: another process took the run, and its row is that process's to write.
      if (error instanceof AppError && error.code === 'LOCKED') return
      const outcome = failedOutcome(error)
      await finishRun(store, id, outcome)
      this.listener.onFinished(await getRun(this.services, id), outcome)
    } finally {
      this.#active = undefined
      await this.#changed(id)
    }
  }

  async #putFirst(id: string): Promise<void> {
    const { store } = this.services
    const waiting = (await listQueue(store)).map((run) => run.id)
    await queueRun(store, id)
    await orderQueue(store, [id, ...waiting])
  }

  async #changed(id: string | null): Promise<void> {
    if (id !== null) this.listener.onRunChanged(id)
    // A run that was just taken from the queue may not be marked as running yet.
    const waiting = (await listQueue(this.services.store)).filter((run) => run.id !== this.running).length
    this.listener.onChange({ running: this.running, waiting, held: this.#held })
  }
}

const failedOutcome = (error: unknown) => ({
  version: 1 as const,
  status: 'failed' as const,
  finishedAtMs: Date.now(),
  perplexity: {},
  variants: [],
  error: serializeError(error)
})
