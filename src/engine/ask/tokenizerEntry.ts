import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { assertNever, serializeError } from '../../shared/errors'
import type { OnProgress } from '../../shared/progress'
import { ModelTokenizer } from '../calibration/tokenizer'
import { clockOfProcess } from '../formats/workWatch'
import { collectGarbage } from '../graph/collectGarbage'
import { cutAgain, tokenizeCollecting } from '../prepare/tokenizedTexts'
import type { FromTokenizer, TokenizerApi, TokenizerMethod, ToTokenizer } from '../prepare/tokenizerProtocol'
import { previewTokens } from './previewTokens'
import { throttled } from './throttled'

/*
 * Main of the process in which tokenizers work; see tokenizerHelper.ts. Built to out/main/tokenizerWorker.js.
 */

interface Port {
  send(message: FromTokenizer): void
  receive(listener: (message: ToTokenizer) => void): void
}

/** Memory that it may take: for anything, for each byte of tokenizer.json, and for each of a text that is one piece to it. */
const MEMORY_BYTES = 768 * 2 ** 20
const BYTES_PER_TOKENIZER_BYTE = 12
const BYTES_PER_TEXT_BYTE = 160
/** And for each of a line, which is parsed whole. */
const BYTES_PER_LINE_BYTE = 6

/** How often memory is looked at. */
const LOOK_MS = 50

/** How often garbage is collected where much is taken. */
const COLLECT_MS = 1000

function serve(port: Port): void {
  port.send({ kind: 'started', clock: clockOfProcess() })
  /** By request. */
  const allowed = new Map<number, number>()
  const taken = () => process.memoryUsage.rss()
  let collectedMs = 0
  setInterval(() => {
    const bytes = Math.max(MEMORY_BYTES, ...allowed.values())
    // Beside a long text, garbage is left lying about for long.
    if (taken() > bytes / 2 && performance.now() - collectedMs > COLLECT_MS) {
      collectGarbage()
      collectedMs = performance.now()
    }
    if (taken() > bytes) port.send({ kind: 'tooLarge', bytes })
  }, LOOK_MS).unref()

  async function answer(request: ToTokenizer): Promise<void> {
    const { id } = request
    const forLines = BYTES_PER_LINE_BYTE * longestLine(request)
    const forTokenizer = MEMORY_BYTES + forLines + BYTES_PER_TOKENIZER_BYTE * (await tokenizerBytes(modelOf(request)))
    const tell = throttled((done, total, text) => port.send({ kind: 'progress', id, done, total, text }))
    const report: OnProgress = (done, total, text) => {
      allowed.set(id, forTokenizer + (total === null ? BYTES_PER_TEXT_BYTE * (text?.bytes ?? 0) : 0))
      tell(done, total, text)
    }
    allowed.set(id, forTokenizer)
    try {
      port.send({ kind: 'done', id, output: await perform(request, report) })
    } catch (error) {
      port.send({ kind: 'failed', id, error: serializeError(error) })
    } finally {
      allowed.delete(id)
    }
  }

  port.receive((request) => void answer(request))
}

async function perform(request: ToTokenizer, report: OnProgress): Promise<TokenizerApi[TokenizerMethod]['output']> {
  switch (request.method) {
    case 'facts':
      return (await ModelTokenizer.open(request.input.model)).facts
    case 'tokenize':
      return tokenizeCollecting(request.input, request.input.first, report)
    case 'cut':
      return cutAgain(request.input, request.input.rows, request.input.draw)
    case 'preview':
      return previewTokens(request.input, report)
    default:
      return assertNever(request)
  }
}

const modelOf = ({ method, input }: ToTokenizer): string =>
  method === 'facts' || method === 'preview' ? input.model : input.recipe.model

/** Bytes that a line of the request's samples may have: one may be the whole file. */
function longestLine({ method, input }: ToTokenizer): number {
  if (method === 'facts') return 0
  const texts = method === 'preview' ? [input.text] : [...input.texts.calibration, ...input.texts.evaluation]
  return Math.max(0, ...texts.map(({ kind, bytes }) => (kind === 'text' ? 0 : bytes)))
}

const tokenizerBytes = (model: string): Promise<number> =>
  stat(join(model, 'tokenizer.json')).then(
    ({ size }) => size,
    () => 0
  )

/** What an Electron utility process finds in place of a standard channel; written down here, so that Electron is not imported. */
interface ParentPort {
  once(event: 'message', listener: (message: { readonly ports: readonly RemotePort[] }) => void): void
}

interface RemotePort {
  postMessage(message: FromTokenizer): void
  on(event: 'message', listener: (message: { readonly data: ToTokenizer }) => void): void
  on(event: 'close', listener: () => void): void
  start(): void
}

/** Nobody is left to work for; the library's threads, which may be stuck, are not waited for. */
const end = (): void => void process.kill(process.pid, 'SIGKILL')

function serveRemote(port: RemotePort): void {
  serve({
    send: (message) => port.postMessage(message),
    receive: (listener) => port.on('message', ({ data }) => listener(data))
  })
  port.on('close', end)
  port.start()
}

const { parentPort } = process as NodeJS.Process & { readonly parentPort?: ParentPort }
if (parentPort !== undefined) parentPort.once('message', ({ ports: [port] }) => port && serveRemote(port))
else if (process.send !== undefined) {
  serve({
    send: (message) => void process.send?.(message, undefined, undefined, () => {}),
    receive: (listener) => process.on('message', listener)
  })
  process.on('disconnect', end)
}
