import { basename, resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import { sha256File } from '../../engine/formats/files'
import { type WorkClock, WorkWatch } from '../../engine/formats/workWatch'
import { AppError, badInput, deserializeError } from '../../shared/errors'
import type { SampleInspection } from '../../shared/samples'
import { choosePlaces } from './choose'
import type { FromSampleThread, SampleRequest, ToSampleThread } from './protocol'
import type { SampleFile, SampleOptions } from './readSamples'
import { MAX_WHOLE_BYTES, unpackedSize } from './userFile'

/*
 * Files of samples may be of anybody, and the libraries that read them believe what they say: some bytes of a table can
 * make them go on for ever, or take all memory. Each file is therefore read in a thread of its own, which is ended when it
 * takes more than the file is worth, or when nobody waits for it any more.
 */

/** What a thread may take. */
interface Limits {
  /** Milliseconds of a processor that it may have before it tells something. */
  readonly silentMs: number
  /** Bytes. */
  readonly memory: number
}

/**
 * For any file, and for each byte of it, unpacked: a JSON file that is parsed whole, which none above a size is, becomes ten times as
 * large, at 2 MB a second.
 */
const limitsOf = (bytes: number): Limits => ({
  silentMs: 10_000 + bytes / 2000,
  memory: 768 * 2 ** 20 + 10 * Math.min(bytes, MAX_WHOLE_BYTES)
})

/** How often memory is looked at. */
const LOOK_MS = 100

/** The built thread main, which lies beside the engine's. */
export const sampleThread = (engineWorker: URL): URL => new URL('sampleWorker.js', engineWorker)

/**
 * `readSampleFile` in a thread, with every sample handed on as soon as it is read: a file may be far larger than memory. Where
 * some samples are taken by chance the file is read twice, for which they are depends on how many it holds.
 *
 * @param limits - default: by the file's size
 * @throws {AppError} as it does; BAD_INPUT too for a file that takes too long, or too much memory
 */
export async function* readSamplesApart(
  thread: URL,
  file: string,
  options: SampleOptions = {},
  limits?: Limits
): AsyncGenerator<string, Omit<SampleFile, 'samples'>, void> {
  const path = resolve(file)
  const { sampling, signal, onShare } = options
  const passes = sampling === undefined ? 1 : 2
  const reading = (pass: number): SampleOptions => ({
    ...options,
    onShare: (share) => onShare?.((pass + share) / passes)
  })
  let places: readonly number[] | undefined
  if (sampling !== undefined) {
    const { available } = yield* onePass(thread, path, { options: reading(0), limits, places: [] })
    places = choosePlaces(available, sampling)
  }
  const { summary, available } = yield* onePass(thread, path, { options: reading(passes - 1), limits, places })
  const sha256 = await sha256File(path, signal)
  return { path, name: basename(path), sha256, available, ...summary }
}

interface OnePass {
  readonly options: SampleOptions
  readonly limits: Limits | undefined
  /** Places of the samples that are wanted. */
  readonly places: readonly number[] | undefined
}

type ReadFile = Pick<Extract<FromSampleThread, { kind: 'read' }>, 'summary' | 'available'>

async function* onePass(
  thread: URL,
  path: string,
  { options, limits, places }: OnePass
): AsyncGenerator<string, ReadFile, void> {
  const waiting: (readonly string[])[] = []
  let taken = (): void => {}
  let wake = (): void => {}
  let isOver = false
  const receive: Receive<ReadFile> = (message, done, reply) => {
    taken = reply
    if (message.kind === 'samples') waiting.push(message.samples)
    else if (message.kind === 'share') options.onShare?.(message.share)
    else if (message.kind === 'read') done(message)
    wake()
  }
  const left = new AbortController()
  const leave = (): void => left.abort()
  options.signal?.addEventListener('abort', leave)
  if (options.signal?.aborted) leave()
  const isWaiting = () => waiting.length > 0
  const read = work(thread, {
    task: 'read',
    path,
    options: { ...options, signal: left.signal },
    limits,
    places,
    isWaiting,
    receive
  })
  const over = (): void => {
    isOver = true
    wake()
  }
  read.then(over, over)
  try {
    for (;;) {
      const samples = waiting[0]
      if (samples !== undefined) {
        yield* samples
        waiting.shift()
        taken()
      } else if (isOver) return await read
      else await new Promise<void>((done) => (wake = done))
    }
  } finally {
    options.signal?.removeEventListener('abort', leave)
    leave() // who takes no more samples ends the thread
  }
}

/** `inspectSampleFile` in a thread. @throws {AppError} as `readSamplesApart` */
export function inspectSamplesApart(thread: URL, file: string, options: SampleOptions = {}): Promise<SampleInspection> {
  const receive: Receive<SampleInspection> = (message, done) => {
    if (message.kind === 'inspected') done(message.inspection)
  }
  return work(thread, { task: 'inspect', path: resolve(file), options, receive })
}

/** @param reply - tells the thread that a message of samples was taken */
type Receive<T> = (message: FromSampleThread, done: (answer: T) => void, reply: () => void) => void

interface Work<T> {
  readonly task: SampleRequest['task']
  readonly path: string
  readonly options: SampleOptions
  readonly limits?: Limits | undefined
  readonly places?: readonly number[] | undefined
  /** Whether the thread is waited for by nobody: what it told was not taken yet. */
  readonly isWaiting?: (() => boolean) | undefined
  /** Receives what the thread tells; its answer is handed to `done`. */
  readonly receive: Receive<T>
}

/** Starts a thread, hands on what it tells, and ends it: with its answer, when it fails, or by its limits. */
async function work<T>(thread: URL, request: Work<T>): Promise<T> {
  const { task, path, options, limits, places, isWaiting, receive } = request
  const { split, shape, signal } = options
  const { silentMs, memory } = limits ?? limitsOf(await unpackedSize(path))
  if (signal?.aborted) throw cancelled()
  const workerData: SampleRequest = { task, file: path, options: { split, shape }, places }
  const worker = new Worker(thread, { workerData, resourceLimits: { maxOldGenerationSizeMb: memory / 2 ** 20 } })
  let abort = (): void => {}
  let look: ReturnType<typeof setInterval> | undefined
  let watch: WorkWatch | undefined
  try {
    return await new Promise<T>((done, fail) => {
      let clock: WorkClock | undefined
      const watched = new WorkWatch(
        silentMs,
        () => clock,
        (time) => fail(tooSlow(path, time))
      )
      watch = watched
      const before = process.memoryUsage.rss()
      abort = () => fail(cancelled())
      signal?.addEventListener('abort', abort)
      look = setInterval(() => {
        if (isWaiting?.()) watched.news()
        if (process.memoryUsage.rss() - before > memory) fail(tooLarge(path, memory))
      }, LOOK_MS)
      const reply = (): void => worker.postMessage('taken' satisfies ToSampleThread)
      worker.on('online', () => watched.news())
      worker.on('message', (message: FromSampleThread) => {
        if (message.kind === 'started') clock = message.clock
        watched.news()
        if (message.kind === 'failed') fail(deserializeError(message.error))
        else receive(message, done, reply)
      })
      worker.on('error', (error: NodeJS.ErrnoException) =>
        fail(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? tooLarge(path, memory) : error)
      )
      worker.on('exit', (code) =>
        fail(new AppError('INTERNAL', `the thread that reads ${path} ended with code ${code}`))
      )
    })
  } finally {
    clearInterval(look)
    watch?.stop()
    signal?.removeEventListener('abort', abort)
    await worker.terminate()
  }
}

const cancelled = (): AppError => new AppError('CANCELLED', 'cancelled')

const tooSlow = (path: string, time: string): AppError =>
  badInput(
    `${path} was given up: nothing more of it could be read in ${time}; it is damaged, or its disk does not answer`
  )

const tooLarge = (path: string, memory: number): AppError =>
  badInput(
    `${path} was given up: to read it takes more than ${Math.round(memory / 2 ** 20)} MiB of memory; import a part of it`
  )
