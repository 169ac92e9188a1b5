import { join } from 'node:path'
import { app, MessageChannelMain, type MessagePortMain, utilityProcess } from 'electron'
import type { TokenizerEnded, TokenizerPort } from '../shared/tokenizerProcess'
import { killProcess } from './killProcess'

/** JavaScript's own memory in it; the library's is looked at by the process itself. */
const HEAP_MIB = 2048

/** Of what a process says as it ends. */
const LAST_WORDS = 4096

/** What is said last may arrive behind the end. */
const WORDS_MS = 200

/** A process in which tokenizers work, with the port at which it answers. */
export interface TokenizerProcess {
  readonly port: MessagePortMain
  kill(): void
}

/** Starts a process for tokenizers. @param ended - told when it ends, unless it was killed */
export function startTokenizerProcess(ended: (end: TokenizerEnded) => void): TokenizerProcess {
  const { port1, port2 } = new MessageChannelMain()
  const child = utilityProcess.fork(join(import.meta.dirname, 'tokenizerWorker.js'), [], {
    serviceName: 'Quail tokenizer',
    execArgv: [`--max-old-space-size=${HEAP_MIB}`],
    stdio: ['ignore', 'ignore', 'pipe']
  })
  let words = ''
  let killed = false
  child.stderr?.on('data', (data: Buffer) => {
    words = (words + data.toString()).slice(-LAST_WORDS)
  })
  child.once('exit', (code) => setTimeout(() => killed || ended({ kind: 'ended', code, words }), WORDS_MS))
  child.postMessage(null, [port1])
  return {
    port: port2,
    kill() {
      killed = true
      killProcess(child)
    }
  }
}

/** Connects a thread of this process with a process for tokenizers: for the command line, which runs in main. */
export function connectTokenizer(port: TokenizerPort): void {
  let started: TokenizerProcess | undefined
  let isClosed = false
  port.on('close', () => {
    isClosed = true
    started?.kill()
  })
  void app.whenReady().then(() => {
    if (isClosed) return
    started = startTokenizerProcess((end) => port.postMessage(end))
    const { port: remote } = started
    remote.on('message', ({ data }) => port.postMessage(data))
    remote.start()
    port.on('message', (message) => remote.postMessage(message))
  })
}
