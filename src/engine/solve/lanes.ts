/**
 * Does jobs on several lanes at once; each lane begins the next job when it has finished one.
 *
 * When a job fails, or the signal aborts, no further job is begun, those under way are awaited, and the reason is thrown.
 *
 * @param order - indices of the jobs, in the order in which they are begun
 * @param lanes - each does one job at a time
 * @returns the results in the order of the jobs
 */
export async function* onLanes<Job, Result>(
  jobs: readonly Job[],
  order: readonly number[],
  lanes: readonly ((job: Job) => Promise<Result>)[],
  signal: AbortSignal
): AsyncGenerator<Result, void> {
  const waiting = [...order]
  const outcomes = jobs.map(() => new Outcome<Result>())
  const stop = (reason: unknown): void => {
    waiting.length = 0
    for (const outcome of outcomes) outcome.reject(reason)
  }
  const work = async (lane: (job: Job) => Promise<Result>): Promise<void> => {
    for (let i = waiting.shift(); i !== undefined; i = waiting.shift()) {
      await lane(jobs[i] as Job).then((outcomes[i] as Outcome<Result>).resolve, stop)
    }
  }
  const cancel = (): void => stop(signal.reason)
  signal.throwIfAborted()
  signal.addEventListener('abort', cancel, { once: true })
  const working = Promise.all(lanes.map(work))
  try {
    for (const { promise } of outcomes) yield await promise
  } finally {
    waiting.length = 0
    await working
    signal.removeEventListener('abort', cancel)
  }
}

/** A promise that is settled from outside; of a failure that nobody waits for nobody hears. */
class Outcome<T> {
  resolve!: (value: T) => void
  reject!: (reason: unknown) => void
  readonly promise = new Promise<T>((resolve, reject) => {
    this.resolve = resolve
    this.reject = reject
  })

  constructor() {
    this.promise.catch(() => undefined)
  }
}
