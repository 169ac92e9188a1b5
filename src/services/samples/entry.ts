import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { serializeError } from '../../shared/errors'
import { inspectSampleFile } from './inspectSamples'
import type { FromSampleThread, SampleRequest } from './protocol'
import { readSamples } from './readSamples'

/*
 * Main of the thread that reads one file of samples; see sampleThread.ts. Built to out/main/sampleWorker.js.
 */

/** Characters, and shares of a file, that are worth a message. */
const BATCH_CHARACTERS = 2 ** 20
const SHARE_STEP = 0.001

async function serve(port: MessagePort, request: SampleRequest): Promise<void> {
  const send = (message: FromSampleThread): void => port.postMessage(message)
  try {
    send(await answer(request, send))
  } catch (error) {
    send({ kind: 'failed', error: serializeError(error) })
  }
}

async function answer(
  { task, file, options }: SampleRequest,
  send: (message: FromSampleThread) => void
): Promise<FromSampleThread> {
  if (task === 'inspect') return { kind: 'inspected', inspection: await inspectSampleFile(file, options) }
  let batch: string[] = []
  let characters = 0
  let told = 0
  const flush = (): void => {
    if (batch.length > 0) send({ kind: 'samples', samples: batch })
    batch = []
    characters = 0
  }
  const take = (sample: string): void => {
    batch.push(sample)
    characters += sample.length + 1
    if (characters >= BATCH_CHARACTERS) flush()
  }
  const onShare = (share: number): void => {
    if (share < told + SHARE_STEP && share < 1) return
    told = share
    send({ kind: 'share', share })
  }
  const summary = await readSamples(file, { ...options, onShare }, take)
  flush()
  return { kind: 'read', summary }
}

// Of columns that fail together, the library for Parquet reports one and lets the others fall.
process.on('unhandledRejection', () => {})

if (parentPort !== null) void serve(parentPort, workerData as SampleRequest)
