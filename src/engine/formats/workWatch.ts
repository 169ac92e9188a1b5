import { readFileSync, readlinkSync } from 'node:fs'

/*
 * Whoever works on a file of a stranger is given up when it takes more time than the file is worth. On a busy machine the
 * time on the wall says nothing of that: an honest text takes a minute where nine others want the processor. What counts is
 * the time that the worker had a processor, which the system tells of every process and thread; the wall is a bound far
 * outside, for a worker that waits for something that never comes.
 */

/** Where the system tells the processor time of a process or a thread; null where it does not. */
export type WorkClock = string | null

/** How often is looked. */
const LOOK_MS = 100

/** Most that counts from one look to the next: the watcher itself may have stood still, with news in its queue. */
const MOST_OF_LOOK_MS = 1000

/** On the wall a worker may take so many times what it may work: on busy machines programs were seen with 3 % of a processor. */
const WALL_FACTOR = 60

/** Linux counts in ticks of 10 ms towards programs, whatever it does inside. */
const MS_PER_TICK = 10

/** That of the thread which asks; whoever knows it may read it. */
export const clockOfThread = (): WorkClock => clockAt('/proc/thread-self')

/** That of the process which asks, with all its threads. */
export const clockOfProcess = (): WorkClock => clockAt('/proc/self')

function clockAt(link: string): WorkClock {
  try {
    const clock = `/proc/${readlinkSync(link)}/stat`
    return workedMs(clock) === undefined ? null : clock
  } catch {
    return null // another system than Linux
  }
}

/** Milliseconds of a processor that it had, in ticks of 10; undefined where it has ended or nothing is told. */
export function workedMs(clock: WorkClock): number | undefined {
  if (clock === null) return undefined
  try {
    const text = readFileSync(clock, 'latin1')
    // A name in brackets comes first, which may hold anything; the 12th and 13th field behind it are user and system ticks.
    const [user, system] = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13)
    const ticks = Number(user) + Number(system)
    return Number.isFinite(ticks) ? MS_PER_TICK * ticks : undefined
  } catch {
    return undefined
  }
}

/**
 * Tells whether the thread that asks has worked for longer than so many milliseconds since; on the wall where the system does
 * not tell. No thread works for longer than the wall says, so that the system is only asked once that much has passed: this
 * may stand in a loop.
 */
export function workLimit(limitMs: number): () => boolean {
  const clock = clockOfThread()
  const beforeMs = workedMs(clock)
  const startMs = performance.now()
  return () => {
    if (performance.now() - startMs <= limitMs) return false
    const now = workedMs(clock)
    return now === undefined || beforeMs === undefined || now - beforeMs > limitMs
  }
}

const seconds = (ms: number): string => `${Math.round(ms / 1000)} seconds`

/** Watches a worker from its start, and calls when it had a processor for too long without any news. */
export class WorkWatch {
  #workedMs = 0
  #wallMs = 0
  #lastWallMs = performance.now()
  #lastWorkedMs: number | undefined
  readonly #timer: ReturnType<typeof setInterval>

  /**
   * @param limitMs - of work without news; on the wall `WALL_FACTOR` times as much
   * @param clock - undefined while it was not told yet, when only the wall counts
   * @param over - called once, with the time that it had, in words
   */
  constructor(
    private limitMs: number,
    private readonly clock: () => WorkClock | undefined,
    private readonly over: (time: string) => void
  ) {
    this.#timer = setInterval(() => this.#look(), LOOK_MS)
  }

  /** It is getting on. @param limitMs - from now on */
  news(limitMs = this.limitMs): void {
    this.limitMs = limitMs
    this.#workedMs = 0
    this.#wallMs = 0
    this.#lastWallMs = performance.now()
    this.#lastWorkedMs = workedMs(this.clock() ?? null)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    const now = performance.now()
    const passedMs = Math.min(now - this.#lastWallMs, MOST_OF_LOOK_MS)
    this.#lastWallMs = now
    this.#wallMs += passedMs
    const clock = this.clock()
    const worked = workedMs(clock ?? null)
    // Where nothing is told, the wall is all that there is; several threads at once are no more than their time.
    if (clock === null) this.#workedMs += passedMs
    else if (worked !== undefined && this.#lastWorkedMs !== undefined)
      this.#workedMs += Math.max(0, Math.min(passedMs, worked - this.#lastWorkedMs))
    this.#lastWorkedMs = worked
    const wallLimitMs = WALL_FACTOR * this.limitMs
    if (this.#workedMs > this.limitMs)
      this.#end(`${seconds(this.limitMs)}${clock === null ? '' : ' of processor time'}`)
    else if (this.#wallMs > wallLimitMs) this.#end(seconds(wallLimitMs))
  }

  #end(time: string): void {
    this.stop()
    this.over(time)
  }
}
