import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { onTestFinished } from 'vitest'
import type { CallInput, CallOutput, WorkbenchCallName } from '../../src/shared/contract'
import type { WindowEvent, WindowEventOf, WindowEventType } from '../../src/shared/contract/events'
import { forPurpose, type Purpose } from '../../src/shared/contract/purposes'
import { deserializeError } from '../../src/shared/errors'
import type { FromWorkbench, ToWorkbench } from '../../src/workbench/protocol'
import { serveWorkbench } from '../../src/workbench/workbench'

/** A workbench without Electron: the test is its window and its main process. */
export interface TestWorkbench {
  readonly home: string
  readonly events: readonly WindowEvent[]
  call<N extends WorkbenchCallName>(name: N, input: CallInput<N>, task?: string): Promise<CallOutput<N>>
  cancel(task: string): void
  /** As main does after a dialog. */
  grant(paths: readonly string[], purpose: Purpose): Promise<void>
  /** Resolves with the first event of this type, from now on, that passes. */
  next<T extends WindowEventType>(type: T, passes?: (event: WindowEventOf<T>) => boolean): Promise<WindowEventOf<T>>
  close(atCheckpoint?: boolean): Promise<void>
}

/** A folder that goes with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'quail-workbench-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Starts the engine process's main on a QUAIL_HOME, with the built engine thread; it is closed after the test. */
export function openWorkbench(home: string = temporaryFolder()): TestWorkbench {
  const pending = new Map<number, (message: Extract<FromWorkbench, { kind: 'answer' }>) => void>()
  const events: WindowEvent[] = []
  const watchers = new Set<(event: WindowEvent) => void>()
  let receive: (message: ToWorkbench) => void = () => {}
  let nextId = 0
  const send = (message: FromWorkbench): void => {
    if (message.kind === 'answer') pending.get(message.id)?.(message)
    else if (message.kind === 'event') {
      events.push(message.event)
      for (const watch of watchers) watch(message.event)
    }
  }
  const workbench = serveWorkbench(
    {
      send,
      receive: (listener) => {
        receive = listener
      }
    },
    {
      home,
      version: '0.0.0',
      workerUrl: pathToFileURL(resolve('out/main/engineWorker.js')).href,
      resources: resolve('resources')
    }
  )
  let closing: Promise<void> | undefined

  async function ask(message: (id: number) => ToWorkbench): Promise<unknown> {
    const id = nextId++
    const answer = await new Promise<Extract<FromWorkbench, { kind: 'answer' }>>((done) => {
      pending.set(id, done)
      receive(message(id))
    })
    if (!answer.answer.ok) throw deserializeError(answer.answer.error)
    return answer.answer.value
  }

  function close(atCheckpoint = false): Promise<void> {
    if (closing === undefined) {
      closing = workbench.closed
      receive({ kind: 'close', atCheckpoint })
    }
    return closing
  }
  onTestFinished(() => close())

  return {
    home,
    events,
    call: async (name, input, task) =>
      (await ask((id) => ({ kind: 'call', id, name, input, ...(task !== undefined && { task }) }))) as never,
    cancel: (task) => receive({ kind: 'cancel', task }),
    grant: async (paths, purpose) => {
      await ask((id) => ({ kind: 'grant', id, paths: forPurpose(purpose, paths) }))
    },
    next: (type, passes = () => true) =>
      new Promise((done) => {
        const watch = (event: WindowEvent): void => {
          if (event.type !== type || !passes(event as never)) return
          watchers.delete(watch)
          done(event as never)
        }
        watchers.add(watch)
      }),
    close
  }
}
