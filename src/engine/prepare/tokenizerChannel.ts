import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { MessagePort } from 'node:worker_threads'
import type { TokenizerEnded } from '../../shared/tokenizerProcess'
import type { FromTokenizer, ToTokenizer } from './tokenizerProtocol'

/** The way to the helper that tokenizes. */
export interface Channel {
  post(message: ToTokenizer): void
  /** Whether the program is kept alive for it. */
  ref(): void
  unref(): void
  /** Ends it at once, whatever it is at. */
  kill(): void
}

export interface Listener {
  receive(message: FromTokenizer): void
  /** It has ended, and nobody killed it. @param how - in a few words */
  ended(how: string): void
}

/** JavaScript's own memory in the helper; the library's is looked at by the helper itself. */
const HEAP_MIB = 2048

/** Starts a helper. */
export type OpenChannel = (listener: Listener) => Channel

/** Of what a process says as it ends. */
const LAST_WORDS = 4096

/** A child of this process. @param url - the built main, `tokenizerWorker.js` */
export const processOpener =
  (url: URL): OpenChannel =>
  (listener) =>
    openProcess(url, listener)

function openProcess(url: URL, listener: Listener): Channel {
  const child = fork(fileURLToPath(url), [], {
    serialization: 'advanced',
    execArgv: [`--max-old-space-size=${HEAP_MIB}`],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    detached: process.platform !== 'win32' // Ctrl-C in a terminal is for the program, which ends its helper itself
  })
  let words = ''
  child.stderr?.on('data', (data: Buffer) => {
    words = (words + data.toString()).slice(0, LAST_WORDS)
  })
  let killed = false
  child.on('message', (message) => listener.receive(message as FromTokenizer))
  child.on('error', (error) => {
    words ||= error.message
  })
  child.on('close', (code, signal) => {
    if (!killed) listener.ended(reasonIn(words) ?? `${signal ?? `code ${code}`}`)
  })
  const handles = [child, child.channel, child.stderr as { ref?(): void; unref?(): void } | null]
  return {
    post: (message) => void child.send(message, () => {}), // of a process that is gone, its end tells
    ref: () => handles.forEach((handle) => void handle?.ref?.()),
    unref: () => handles.forEach((handle) => void handle?.unref?.()),
    kill() {
      killed = true
      child.kill('SIGKILL')
    }
  }
}

/** What a panic of the library says of itself: `thread … panicked at FILE:LINE:` and then a sentence. */
const reasonIn = (words: string): string | undefined => /panicked at [^\n]*\n([^\n]+)/.exec(words)?.[1]?.trim()

/** A process that the program around the engine starts. @param ask - a port at which it answers until that is closed */
export const portOpener =
  (ask: () => MessagePort): OpenChannel =>
  (listener) => {
    const port = ask()
    port.on('message', (message: FromTokenizer | TokenizerEnded) => {
      if (message.kind === 'ended') listener.ended(reasonIn(message.words) ?? `code ${message.code}`)
      else listener.receive(message)
    })
    return {
      post: (message) => port.postMessage(message),
      ref: () => port.ref(),
      unref: () => port.unref(),
      kill: () => port.close()
    }
  }
