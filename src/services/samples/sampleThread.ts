import { basename, resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import { sha256File } from '../../engine/formats/files'
import { AppError, badInput, deserializeError } from '../../shared/errors'
import type { SampleInspection } from '../../shared/samples'
import { chooseSamples } from './choose'
import type { FromSampleThread, SampleRequest } from './protocol'
import type { SampleFile, SampleOptions, SampleSummary } from './readSamples'
import { userFileBytes } from './userFile'

/*
 * Files of samples may be of anybody, and the libraries that read them believe what they say: some bytes of a table can
 * make them go on for ever, or take all memory. Each file is therefore read in a thread of its own, which is ended when it
 * takes more than the file is worth, or when nobody waits for it any more.
 */

/** What a thread may take. */
interface Limits {
  /** Milliseconds in which it has to tell something. */
  readonly silentMs: number
  /** Bytes. */
  readonly memory: number
}

/** For any file, and for each byte of it: a JSON file that is parsed whole becomes ten times as large, at 2 MB a second. */
const limitsOf = (bytes: number): Limits => ({
  silentMs: 10_000 + bytes / 2000,
  memory: 768 * 2 ** 20 + 10 * bytes
})

/** How often memory is looked at. */
const LOOK_MS = 100

/** The built thread main, which lies beside the engine's. */
export const sampleThread = (engineWorker: URL): URL => new URL('sampleWorker.js', engineWorker)

/**
 * `readSampleFile` in a thread.
 *
 * @param limits - default: by the file's size
 * @throws {AppError} as it does; BAD_INPUT too for a file that takes too long, or too much memory
 */
export async function readSamplesApart(
  thread: URL,
  file: string,
  options: SampleOptions = {},
  limits?: Limits
): Promise<SampleFile> {
  const path = resolve(file)
  const found: string[] = []
  const receive: Receive<SampleSummary> = (message, done) => {
    if (message.kind === 'samples') for (const sample of message.samples) found.push(sample)
    else if (message.kind === 'share') options.onShare?.(message.share)
    else if (message.kind === 'read') done(message.summary)
  }
  const summary = await work(thread, { task: 'read', path, options, limits, receive })
  const samples = options.sampling === undefined ? found : chooseSamples(found, options.sampling)
  const sha256 = await sha256File(path, options.signal)
  return { path, name: basename(path), sha256, samples, available: found.length, ...summary }
}

/** `inspectSampleFile` in a thread. @throws {AppError} as `readSamplesApart` */
export function inspectSamplesApart(thread: URL, file: string, options: SampleOptions = {}): Promise<SampleInspection> {
  const receive: Receive<SampleInspection> = (message, done) => {
    if (message.kind === 'inspected') done(message.inspection)
  }
  return work(thread, { task: 'inspect', path: resolve(file), options, receive })
}

type Receive<T> = (message: FromSampleThread, done: (answer: T) => void) => void

interface Work<T> {
  readonly task: SampleRequest['task']
  readonly path: string
  readonly options: SampleOptions
  readonly limits?: Limits | undefined
  /** Receives what the thread tells; its answer is handed to `done`. */
  readonly receive: Receive<T>
}

/** Starts a thread, hands on what it tells, and ends it: with its answer, when it fails, or by its limits. */
async function work<T>(thread: URL, { task, path, options, limits, receive }: Work<T>): Promise<T> {
  const { split, shape, signal } = options
  const { silentMs, memory } = limits ?? limitsOf(await userFileBytes(path))
  if (signal?.aborted) throw cancelled()
  const workerData: SampleRequest = { task, file: path, options: { split, shape } }
  const worker = new Worker(thread, { workerData, resourceLimits: { maxOldGenerationSizeMb: memory / 2 ** 20 } })
  let abort = (): void => {}
  let watch: ReturnType<typeof setInterval> | undefined
  try {
    return await new Promise<T>((done, fail) => {
      let lastMs = performance.now()
      let kept = 0
      const before = process.memoryUsage.rss()
      abort = () => fail(cancelled())
      signal?.addEventListener('abort', abort)
      watch = setInterval(() => {
        if (performance.now() - lastMs > silentMs) fail(tooSlow(path, silentMs))
        // Strings are kept here, two bytes a character at most, and are on their way here once more.
        if (process.memoryUsage.rss() - before > memory + 4 * kept) fail(tooLarge(path, memory))
      }, LOOK_MS)
      worker.on('online', () => {
        lastMs = performance.now()
      })
      worker.on('message', (message: FromSampleThread) => {
        lastMs = performance.now()
        if (message.kind === 'samples') kept += message.samples.reduce((sum, sample) => sum + sample.length, 0)
        if (message.kind === 'failed') fail(deserializeError(message.error))
        else receive(message, done)
      })
      worker.on('error', (error: NodeJS.ErrnoException) =>
        fail(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? tooLarge(path, memory) : error)
      )
      worker.on('exit', (code) =>
        fail(new AppError('INTERNAL', `the thread that reads ${path} ended with code ${code}`))
      )
    })
  } finally {
    clearInterval(watch)
    signal?.removeEventListener('abort', abort)
    await worker.terminate()
  }
}

const cancelled = (): AppError => new AppError('CANCELLED', 'cancelled')

const tooSlow = (path: string, ms: number): AppError =>
  badInput(`${path} was given up: nothing more of it could be read for ${Math.round(ms / 1000)} seconds; it is damaged`)

const tooLarge = (path: string, memory: number): AppError =>
  badInput(
    `${path} was given up: to read it takes more than ${Math.round(memory / 2 ** 20)} MiB of memory; import a part of it`
  )
