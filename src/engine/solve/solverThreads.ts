import { Worker } from 'node:worker_threads'
import { AppError, deserializeError } from '../../shared/errors'
import type { BaseWeight } from '../base/baseWeight'
import { COMPUTING_LIMITS } from '../graph/collectGarbage'
import type { SecondMoment } from '../methods/secondMoment'
import type { BlockSolver, LinearJob } from './blockSolver'
import { onLanes } from './lanes'
import type { SolvedLinear } from './solveLinear'
import { alone, type FromSolver, memoryOf, type ToSolver } from './solverProtocol'

/**
 * Solves several linears at once, each on a thread of its own: while one thread is between two products, others compute.
 * The largest linears are begun first, or the last would be waited for alone.
 *
 * A thread that computes is never terminated (worker/pool.ts): what is under way is awaited.
 */
export class SolverThreads implements BlockSolver {
  readonly #threads: readonly SolverThread[]

  /**
   * @param url - the built thread main, `solverWorker.js`
   * @param count - threads, and linears at a time
   * @param products - threads of the products of each
   */
  constructor(url: URL, count: number, products: number) {
    this.#threads = Array.from({ length: count }, () => new SolverThread(url, products))
  }

  solve(jobs: readonly LinearJob[], signal: AbortSignal): AsyncGenerator<SolvedLinear, void> {
    const order = [...jobs.keys()].sort((a, b) => workOf(jobs[b] as LinearJob) - workOf(jobs[a] as LinearJob))
    const moments = new Moments(jobs)
    const lanes = this.#threads.map((thread) => (job: LinearJob) => thread.solve(job, moments))
    return onLanes(jobs, order, lanes, signal)
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()))
  }
}

/** Roughly in proportion to the time: products with E and with H. */
const workOf = ({ task: { linear } }: LinearJob): number =>
  linear.inFeatures * (2 * linear.outFeatures + linear.inFeatures)

/** Lends out H: the last linear that reads an input gets H itself, those before it a copy. */
class Moments {
  readonly #waiting = new Map<SecondMoment, number>()

  constructor(jobs: readonly LinearJob[]) {
    for (const { task } of jobs) this.#waiting.set(task.moment, this.#left(task.moment) + 1)
  }

  lend(moment: SecondMoment): { readonly H: Float64Array; readonly own: boolean } {
    const left = this.#left(moment) - 1
    this.#waiting.set(moment, left)
    return left === 0 ? { H: alone(moment.H.data), own: true } : { H: moment.H.data.slice(), own: false }
  }

  #left = (moment: SecondMoment): number => this.#waiting.get(moment) ?? 0
}

type Held = BaseWeight['held']

/** What a base has of a linear, the largest array of which can be handed over. */
const alsoAlone = (held: Held): Held =>
  held instanceof Float32Array ? alone(held) : { ...held, packed: alone(held.packed) }

const largestOf = (held: Held): Float32Array | Uint8Array => (held instanceof Float32Array ? held : held.packed)

interface Pending {
  readonly resolve: (message: FromSolver) => void
  readonly reject: (error: AppError) => void
}

/** One thread, started with its first linear. */
class SolverThread {
  #worker: Worker | undefined
  #ended: Promise<void> = Promise.resolve()
  #pending: Pending | undefined
  #cause: unknown

  constructor(
    private readonly url: URL,
    private readonly products: number
  ) {}

  /** @throws {AppError} what solving throws; INTERNAL when the thread dies */
  async solve({ task, readBase, ...options }: LinearJob, moments: Moments): Promise<SolvedLinear> {
    const read = await readBase?.()
    const base = read && { ...read, held: alsoAlone(read.held) }
    const { moment, ...rest } = task
    const { H, own } = moments.lend(moment)
    const weight = alone(task.weight)
    const lent = [weight, H, ...(base === undefined ? [] : [largestOf(base.held)])]
    const message: ToSolver = { kind: 'solve', task: { ...rest, weight }, H, options: { ...options, base } }
    const answer = await new Promise<FromSolver>((resolve, reject) => {
      this.#pending = { resolve, reject }
      this.#running().postMessage(message, memoryOf(lent))
    })
    if (answer.kind === 'failed') throw deserializeError(answer.error)
    task.weight = answer.weight
    if (own) moment.H = { ...moment.H, data: answer.H }
    return answer.linear
  }

  async close(): Promise<void> {
    this.#worker?.postMessage({ kind: 'close' } satisfies ToSolver)
    await this.#ended
  }

  #running(): Worker {
    if (this.#worker !== undefined) return this.#worker
    const env = { ...process.env, QUAIL_THREADS: `${this.products}` }
    const worker = new Worker(this.url, { env, resourceLimits: COMPUTING_LIMITS })
    this.#worker = worker
    worker.on('message', (message: FromSolver) => this.#take()?.resolve(message))
    worker.on('messageerror', (error) => this.#take()?.reject(death(error, 0)))
    worker.on('error', (error) => {
      this.#cause = error
    })
    this.#ended = new Promise((resolve) => {
      worker.once('exit', (code) => {
        this.#worker = undefined
        this.#take()?.reject(death(this.#cause, code))
        resolve()
      })
    })
    return worker
  }

  #take(): Pending | undefined {
    const pending = this.#pending
    this.#pending = undefined
    return pending
  }
}

function death(cause: unknown, exitCode: number): AppError {
  const reason = cause instanceof Error ? cause.message : `exit code ${exitCode}`
  return new AppError('INTERNAL', `a solver thread died: ${reason}`, { cause })
}
