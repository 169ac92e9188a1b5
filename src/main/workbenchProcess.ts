import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type UtilityProcess, utilityProcess } from 'electron'
import type { Answer } from '../shared/contract/call'
import type { WindowEvent } from '../shared/contract/events'
import type { FromWorkbench, ToWorkbench, WorkbenchInstallation } from '../workbench/protocol'

/** Main's side of the engine process. */
export interface WorkbenchProcess {
  /** Hands a checked call on; answers also when the process dies meanwhile. */
  call(name: string, input: unknown, task?: string): Promise<Answer>
  cancel(task: string): void
  /** Lets the window name these paths from now on. */
  grant(paths: readonly string[]): Promise<void>
  /** Whether the window may name these paths. */
  check(paths: readonly string[]): Promise<Answer>
  /** Ends the process: what runs stops at its next checkpoint, or at once. */
  close(atCheckpoint: boolean): Promise<void>
}

/** A process that dies sooner than this after its start is started again only after a pause. */
const STABLE_MS = 5000
const PAUSE_MS = 2000

/** Starts the engine process, and starts it again whenever it dies; what it was asked then is answered with an error. */
export function startWorkbenchProcess(
  installation: Pick<WorkbenchInstallation, 'version' | 'resources'>,
  onEvent: (event: WindowEvent) => void
): WorkbenchProcess {
  const pending = new Map<number, (answer: Answer) => void>()
  const argument = JSON.stringify({ ...installation, workerUrl: pathToFileURL(builtFile('engineWorker.js')).href })
  let nextId = 0
  let closing = false
  let ended: Promise<void> = Promise.resolve()
  let child = fork()

  function fork(): UtilityProcess {
    const startedAtMs = Date.now()
    const started = utilityProcess.fork(builtFile('workbench.js'), [argument], { serviceName: 'Quail engine' })
    started.on('message', receive)
    ended = new Promise((done) => {
      started.once('exit', (code) => {
        done()
        if (!closing) restart(code, Date.now() - startedAtMs)
      })
    })
    return started
  }

  function receive(message: FromWorkbench): void {
    if (message.kind === 'event') {
      onEvent(message.event)
      return
    }
    const answer = pending.get(message.id)
    pending.delete(message.id)
    answer?.(message.answer)
  }

  function restart(code: number, livedMs: number): void {
    const error = { code: 'INTERNAL' as const, message: `the engine process ended unexpectedly (exit code ${code})` }
    for (const answer of pending.values()) answer({ ok: false, error })
    pending.clear()
    onEvent({ type: 'engine.state', state: 'restarting', error })
    setTimeout(
      () => {
        if (!closing) child = fork()
      },
      livedMs < STABLE_MS ? PAUSE_MS : 0
    )
  }

  const post = (message: ToWorkbench): void => child.postMessage(message)

  function ask(message: (id: number) => ToWorkbench): Promise<Answer> {
    return new Promise((done) => {
      const id = nextId++
      pending.set(id, done)
      post(message(id))
    })
  }

  return {
    call: (name, input, task) => ask((id) => ({ kind: 'call', id, name, input, ...(task !== undefined && { task }) })),
    cancel: (task) => post({ kind: 'cancel', task }),
    async grant(paths) {
      await ask((id) => ({ kind: 'grant', id, paths }))
    },
    check: (paths) => ask((id) => ({ kind: 'check', id, paths })),
    async close(atCheckpoint) {
      closing = true
      post({ kind: 'close', atCheckpoint })
      await ended
    }
  }
}

const builtFile = (name: string): string => join(import.meta.dirname, name)
