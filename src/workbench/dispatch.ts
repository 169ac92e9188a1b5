import { WORKBENCH_CALLS, type WorkbenchCallName } from '../shared/contract'
import type { Answer } from '../shared/contract/call'
import type { WindowEvent } from '../shared/contract/events'
import type { NamedPath } from '../shared/contract/purposes'
import { AppError, serializeError } from '../shared/errors'
import type { Grants } from './grants'
import type { CallScope } from './handler'
import type { ToWorkbench } from './protocol'

type Handler = (input: never, scope: CallScope) => Promise<unknown>
type CallMessage = Extract<ToWorkbench, { kind: 'call' }>

/** Progress of one task reaches the window this often at most. */
const PROGRESS_INTERVAL_MS = 100

/** Finds the answering function of a call, checks the paths that it names, and lets it be cancelled. */
export class Dispatcher {
  readonly #tasks = new Map<string, AbortController>()

  constructor(
    private readonly find: (name: WorkbenchCallName) => Promise<Handler>,
    private readonly grants: Grants,
    private readonly emit: (event: WindowEvent) => void
  ) {}

  /** Answers a call; nothing is thrown. */
  async answer({ name, input, task }: CallMessage): Promise<Answer> {
    const controller = new AbortController()
    if (task !== undefined) this.#tasks.set(task, controller)
    try {
      const value = await this.#perform(name, input, task, controller.signal)
      return { ok: true, value }
    } catch (error) {
      return { ok: false, error: serializeError(controller.signal.aborted ? cancelled() : error) }
    } finally {
      if (task !== undefined) this.#tasks.delete(task)
    }
  }

  cancel(task: string): void {
    this.#tasks.get(task)?.abort(cancelled())
  }

  cancelAll(): void {
    for (const controller of this.#tasks.values()) controller.abort(cancelled())
  }

  async #perform(name: string, raw: unknown, task: string | undefined, signal: AbortSignal): Promise<unknown> {
    if (!isCall(name)) throw new AppError('INTERNAL', `the window asked for ${name}, which is no call of the contract`)
    const { input: schema, paths } = WORKBENCH_CALLS[name]
    const input = schema.parse(raw)
    // Waits for the database, which knows what was granted before.
    const handler = await this.find(name)
    if (paths !== undefined) await this.grants.check((paths as (input: unknown) => readonly NamedPath[])(input))
    return handler(input as never, { signal, progress: this.#progressOf(task) })
  }

  #progressOf(task: string | undefined): CallScope['progress'] {
    let lastMs = Number.NEGATIVE_INFINITY
    let told = ''
    return (report) => {
      const { done, total, label } = report
      const now = performance.now()
      // The end, and another thing that is worked on, are told at once: nothing may follow for a while.
      const what = `${label} ${total === null}`
      const due = done === total || what !== told || now - lastMs >= PROGRESS_INTERVAL_MS
      if (task === undefined || !due) return
      lastMs = now
      told = what
      this.emit({ type: 'task.progress', task, ...report })
    }
  }
}

const isCall = (name: string): name is WorkbenchCallName => Object.hasOwn(WORKBENCH_CALLS, name)

const cancelled = (): AppError => new AppError('CANCELLED', 'cancelled')
