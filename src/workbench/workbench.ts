import { startEngine } from '../engine/worker/pool'
import { logDefect } from '../services/logFile'
import { readPreferences } from '../services/preferences'
import { Queue } from '../services/queueService'
import { closeServices, openServices } from '../services/services'
import { assertWritablePlace } from '../services/writablePlaces'
import type { WorkbenchCallName } from '../shared/contract'
import type { Answer } from '../shared/contract/call'
import { AppError, assertNever, serializeError } from '../shared/errors'
import type { StartTokenizer } from '../shared/tokenizerProcess'
import { rememberGrants } from '../store/grantedPaths'
import { cudaDirectory } from '../store/home'
import type { WorkbenchContext } from './context'
import { finishDeletions } from './deletions'
import { Dispatcher } from './dispatch'
import { grantSources } from './grantSources'
import { Grants } from './grants'
import type { CallScope } from './handler'
import { handlersOf } from './handlers'
import type { ToWorkbench, WorkbenchInstallation, WorkbenchPort } from './protocol'
import { queueListener } from './queueEvents'
import { recoveryHandlers } from './recovery'
import { applyThreads } from './settings'
import { watchOthers } from './watchOthers'

type Handlers = Record<string, (input: never, scope: CallScope) => Promise<unknown>>

/** The running side of the workbench, for whoever started it. */
export interface RunningWorkbench {
  /** Resolves when everything is closed. */
  readonly closed: Promise<void>
}

interface Opened {
  readonly context: WorkbenchContext
  readonly handlers: Handlers
  readonly endWatch: () => Promise<void>
}

/**
 * Serves one window over a port: opens the database and the engine, answers calls, tells of changes.
 *
 * A database that cannot be opened does not end the process: its calls say why, and `store.rebuild` mends it.
 *
 * @param startTokenizer - where the runtime does not run as Node
 */
export function serveWorkbench(
  port: WorkbenchPort,
  installation: WorkbenchInstallation,
  startTokenizer?: StartTokenizer
): RunningWorkbench {
  const emit: WorkbenchContext['emit'] = (event) => port.send({ kind: 'event', event })
  const grants = new Grants()
  const openAll = () => open(installation, grants, emit, startTokenizer)
  let opening = openAll()
  const recovery: Handlers = recoveryHandlers(installation, {
    problem: () => opening.then(noProblem, asAppError),
    async reopen() {
      opening = openAll()
      await opening
    }
  })
  const find = async (name: WorkbenchCallName) => recovery[name] ?? handlerIn((await opening).handlers, name)
  const dispatcher = new Dispatcher(find, grants, emit)
  const closed = new Promise<void>((done) => {
    port.receive((message) => {
      if (message.kind !== 'close') return void receive(message)
      port.send({ kind: 'closing' })
      void close(message.atCheckpoint).then(done)
    })
  })

  async function receive(message: Exclude<ToWorkbench, { kind: 'close' }>): Promise<void> {
    if (message.kind === 'cancel') return dispatcher.cancel(message.task)
    port.send({ kind: 'answer', id: message.id, answer: await answerTo(message) })
  }

  function answerTo(message: Extract<ToWorkbench, { id: number }>): Promise<Answer> {
    switch (message.kind) {
      case 'call':
        return logged(installation, dispatcher.answer(message))
      case 'check':
        return answering(() => opening.catch(() => undefined).then(() => grants.check(message.paths)))
      case 'grant':
        grants.allow(message.paths)
        return answering(() => opening.then(({ context }) => rememberGrants(context.services.store, message.paths)))
      default:
        return assertNever(message)
    }
  }

  async function close(atCheckpoint: boolean): Promise<void> {
    dispatcher.cancelAll()
    const opened = await opening.catch(() => undefined)
    if (opened === undefined) return
    if (!(await opened.context.queue.close({ atCheckpoint }))) return // nothing of a thread that is stuck can be closed
    await opened.endWatch()
    await closeServices(opened.context.services)
  }

  return { closed }
}

async function open(
  installation: WorkbenchInstallation,
  grants: Grants,
  emit: WorkbenchContext['emit'],
  startTokenizer: StartTokenizer | undefined
): Promise<Opened> {
  emit({ type: 'engine.state', state: 'starting' })
  const { home, version, workerUrl } = installation
  try {
    const engine = startEngine(new URL(workerUrl), cudaDirectory(home), startTokenizer)
    const services = await openServices({ home, version, engine })
    applyThreads(await readPreferences(services.store))
    const queue = await Queue.open(services, queueListener({ services, emit }))
    const context: WorkbenchContext = { services, queue, installation, grants, emit }
    for (const source of grantSources(context)) grants.addSource(source)
    grants.guardWrites((path) => assertWritablePlace(path, home))
    emit({ type: 'engine.state', state: 'ready' })
    const ends = [watchOthers(services, emit), finishDeletions(context)]
    const endWatch = async (): Promise<void> => {
      for (const end of ends) await end()
    }
    return { context, handlers: handlersOf(context) as Handlers, endWatch }
  } catch (error) {
    emit({ type: 'engine.state', state: 'failed', error: serializeError(error) })
    throw error
  }
}

/** A defect of ours goes to the log, so that the diagnostics show it. */
async function logged({ home, version }: WorkbenchInstallation, answering: Promise<Answer>): Promise<Answer> {
  const answer = await answering
  if (!answer.ok && answer.error.code === 'INTERNAL') {
    await logDefect(home, version, answer.error.stack ?? answer.error.message)
  }
  return answer
}

function handlerIn(handlers: Handlers, name: string) {
  const handler = handlers[name]
  if (handler === undefined) throw new AppError('INTERNAL', `nothing answers ${name}`)
  return handler
}

async function answering(work: () => Promise<void>): Promise<Answer> {
  try {
    return { ok: true, value: await work() }
  } catch (error) {
    return { ok: false, error: serializeError(error) }
  }
}

const noProblem = (): null => null

const asAppError = (error: unknown): AppError => {
  if (error instanceof AppError) return error
  const { code, message } = serializeError(error)
  return new AppError(code, message, { cause: error })
}
