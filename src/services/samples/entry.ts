import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { clockOfThread } from '../../engine/formats/workWatch'
import { serializeError } from '../../shared/errors'
import { inspectSampleFile } from './inspectSamples'
import { type FromSampleThread, MESSAGES_AHEAD, type SampleRequest } from './protocol'
import { readSamples } from './readSamples'

/*
 * Main of the thread that reads one file of samples; see sampleThread.ts. Built to out/main/sampleWorker.js.
 */

/** Characters, and shares of a file, that are worth a message. */
const BATCH_CHARACTERS = 2 ** 20
const SHARE_STEP = 0.001

async function serve(port: MessagePort, request: SampleRequest): Promise<void> {
  const send = (message: FromSampleThread): void => port.postMessage(message)
  send({ kind: 'started', clock: clockOfThread() })
  try {
    send(await answer(request, send, new Takers(port)))
  } catch (error) {
    send({ kind: 'failed', error: serializeError(error) })
  }
}

/** Waits while too much of what was sent was not taken: a file may be far larger than memory. */
class Takers {
  #free = MESSAGES_AHEAD
  #wake = (): void => {}

  constructor(port: MessagePort) {
    port.on('message', () => {
      this.#free++
      this.#wake()
    })
  }

  async next(): Promise<void> {
    while (this.#free === 0) await new Promise<void>((done) => (this.#wake = done))
    this.#free--
  }
}

async function answer(
  { task, file, options, places }: SampleRequest,
  send: (message: FromSampleThread) => void,
  takers: Takers
): Promise<FromSampleThread> {
  if (task === 'inspect') return { kind: 'inspected', inspection: await inspectSampleFile(file, options) }
  let batch: string[] = []
  let characters = 0
  let told = 0
  let available = 0
  let chosen = 0
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return
    await takers.next()
    send({ kind: 'samples', samples: batch })
    batch = []
    characters = 0
  }
  const take = (sample: string): Promise<void> | void => {
    const place = available++
    if (places !== undefined && places[chosen] !== place) return
    chosen++
    batch.push(sample)
    characters += sample.length + 1
    if (characters >= BATCH_CHARACTERS) return flush()
  }
  const onShare = (share: number): void => {
    if (share < told + SHARE_STEP && share < 1) return
    told = share
    send({ kind: 'share', share })
  }
  const summary = await readSamples(file, { ...options, onShare }, take)
  await flush()
  return { kind: 'read', summary, available }
}

// Of columns that fail together, the library for Parquet reports one and lets the others fall.
process.on('unhandledRejection', () => {})

if (parentPort !== null) void serve(parentPort, workerData as SampleRequest)
