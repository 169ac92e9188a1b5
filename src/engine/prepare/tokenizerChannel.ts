import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
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

/**
 * Starts a helper: a process where the program is Node, which nothing that it does can harm. Inside of another runtime, which
 * does not run as Node, a thread has to do: there a fault of the library ends the process of the engine.
 */
export const openChannel = (url: URL, listener: Listener): Channel =>
  process.versions.electron === undefined ? openProcess(url, listener) : openThread(url, listener)

/** Of what a process says as it ends. */
const LAST_WORDS = 4096

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

function openThread(url: URL, listener: Listener): Channel {
  const worker = new Worker(url, { resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB } })
  let cause: string | undefined
  let killed = false
  worker.on('message', (message: FromTokenizer) => listener.receive(message))
  worker.on('error', (error) => {
    cause = error.message
  })
  worker.on('exit', (code) => {
    if (!killed) listener.ended(cause ?? `code ${code}`)
  })
  return {
    post: (message) => worker.postMessage(message),
    ref: () => worker.ref(),
    unref: () => worker.unref(),
    kill() {
      killed = true
      void worker.terminate() // not waited for: the library may still work for it
    }
  }
}
