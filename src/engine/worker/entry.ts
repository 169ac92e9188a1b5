import { MessageChannel, type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { AppError, assertNever, serializeError } from '../../shared/errors'
import type { OnProgress } from '../../shared/progress'
import { exportBase } from '../ask/exportBase'
import { inspectPath } from '../ask/inspect'
import { openUnknown } from '../ask/openUnknown'
import { previewTokens } from '../ask/previewTokens'
import { surveyModel } from '../ask/survey'
import { throttled } from '../ask/throttled'
import { verifyAdapter } from '../ask/verify'
import { readRenderingTemplates } from '../calibration/chatTemplate'
import { clockOfThread } from '../formats/workWatch'
import { collectSeldom } from '../graph/collectGarbage'
import { shareDeviceLocks } from '../graph/deviceLock'
import { setCudaFolder } from '../graph/devices/cudaFiles'
import { lookForDevices } from '../graph/knownDevices'
import { measureDevice } from '../plan/measureDevice'
import { planRun, preflight } from '../plan/planRun'
import { apart, tokenizeApart } from '../prepare/tokenizedApart'
import { portOpener, processOpener } from '../prepare/tokenizerChannel'
import type { FromEngine, OutputOf, StartMessage, ThreadData, ToEngine } from './protocol'
import { runTask } from './runTask'

/*
 * Main of the engine's thread: answers the requests of protocol.ts until it is told to close.
 */

/** Built beside this file. */
const SOLVER_URL = new URL('solverWorker.js', new URL('.', import.meta.url))
const TOKENIZER_URL = new URL('tokenizerWorker.js', new URL('.', import.meta.url))

function serve(port: MessagePort): void {
  const active = new Map<number, AbortController>()
  let closing = false
  const send = (message: FromEngine): void => port.postMessage(message)
  const closeWhenIdle = (): void => {
    if (closing && active.size === 0) port.close()
  }

  async function answer(request: StartMessage): Promise<void> {
    const { id } = request
    const controller = new AbortController()
    active.set(id, controller)
    try {
      send({ kind: 'done', id, output: await perform(request, controller.signal, send) })
    } catch (error) {
      send({ kind: 'failed', id, error: serializeError(error) })
    } finally {
      active.delete(id)
      closeWhenIdle()
    }
  }

  port.on('message', (message: ToEngine) => {
    switch (message.kind) {
      case 'start':
        void answer(message)
        return
      case 'cancel':
        active.get(message.id)?.abort(new AppError('CANCELLED', 'cancelled'))
        return
      case 'close':
        closing = true
        closeWhenIdle()
        return
      default:
        assertNever(message)
    }
  })
}

async function perform(
  request: StartMessage,
  signal: AbortSignal,
  send: (message: FromEngine) => void
): Promise<OutputOf<StartMessage['method']>> {
  switch (request.method) {
    case 'run': {
      const emit = (event: Extract<FromEngine, { kind: 'event' }>['event']): void =>
        send({ kind: 'event', id: request.id, event })
      const { folder, moments } = request.input
      return { finished: await runTask(folder, signal, emit, SOLVER_URL, moments) }
    }
    case 'plan':
      return planRun(request.input, signal)
    case 'preflight':
      return preflight(request.input, progressOf(request.id, send))
    case 'inspect':
      return inspectPath(request.input.path, signal)
    case 'survey':
      return surveyModel(request.input.path)
    case 'open':
      return openUnknown(request.input.path)
    case 'previewTokens': {
      const onProgress = progressOf(request.id, send)
      return apart('preview', request.input, () => previewTokens(request.input, onProgress), { onProgress })
    }
    case 'chatTemplate':
      return (await readRenderingTemplates(request.input.model)) ?? null
    case 'verify':
      return verifyAdapter(request.input.adapter, request.input.model, {
        from: request.input.from,
        signal,
        report: progressOf(request.id, send)
      })
    case 'exportBase':
      return exportBase(request.input, signal, progressOf(request.id, send))
    case 'devices':
      return lookForDevices()
    case 'measureDevice':
      return measureDevice(request.input.device, signal)
    default:
      return assertNever(request)
  }
}

const progressOf = (id: number, send: (message: FromEngine) => void): OnProgress =>
  throttled((done, total, text) => send({ kind: 'progress', id, done, total, text }))

function begin(port: MessagePort, { deviceLocks, cudaFolder }: ThreadData): void {
  port.postMessage({ kind: 'started', clock: clockOfThread() } satisfies FromEngine)
  collectSeldom()
  shareDeviceLocks(deviceLocks)
  if (cudaFolder !== undefined) setCudaFolder(cudaFolder)
  const start = process.versions.electron === undefined ? processOpener(TOKENIZER_URL) : portOpener(() => asked(port))
  tokenizeApart(start)
  serve(port)
}

/** A port at which a process for tokenizers answers, which the program around the engine starts. */
function asked(port: MessagePort): MessagePort {
  const { port1, port2 } = new MessageChannel()
  const message: FromEngine = { kind: 'tokenizer', port: port2 }
  port.postMessage(message, [port2])
  return port1
}

if (parentPort !== null) begin(parentPort, workerData as ThreadData)
