import { readFileSync } from 'node:fs'
import { setEnvironmentData } from 'node:worker_threads'
import { startEngine } from '../src/engine/worker/pool'
import type { RunEvent } from '../src/shared/runEvents'
import { LIBRARY_TIME, libraryClock, libraryMilliseconds } from './libraryTime'

/*
 * A program of its own: works on the run in the folder that its argument names, in the engine's worker thread as the
 * command line does, and prints one line of JSON, a WholeRunReport. Memory can only be measured of a whole process.
 */

export interface WholeRunReport {
  readonly status: string
  readonly error?: string | undefined
  /** Largest resident set of the process. */
  readonly peakBytes: number
  /** Processor time of all threads. */
  readonly cpuSeconds: number
  /** From the request to the last event, without the start of the program. */
  readonly seconds: number
  /** Of these, with at least one thread inside of onnxruntime. */
  readonly librarySeconds: number
  readonly phases: readonly { readonly phase: string; readonly seconds: number }[]
  /** Full precision, quantized, first variant; of the first text. */
  readonly perplexities: readonly number[]
}

async function work(folder: string): Promise<WholeRunReport> {
  const clock = libraryClock()
  setEnvironmentData(LIBRARY_TIME, clock)
  const engine = startEngine(new URL('./timedWorker.js', import.meta.url))
  const started = performance.now()
  const phases: { phase: string; from: number }[] = []
  const onEvent = (event: RunEvent): void => {
    if (event.type === 'phaseStarted') phases.push({ phase: event.phase, from: performance.now() })
  }
  const { finished } = await engine.call('run', { folder }, { onEvent })
  const ended = performance.now()
  await engine.close()
  if (finished.type !== 'finished') throw new Error('the run ended without a result')
  const [measured] = Object.values(finished.perplexity)
  return {
    status: finished.status,
    error: finished.error?.message,
    peakBytes: peakBytes(),
    cpuSeconds: cpuSeconds(),
    seconds: (ended - started) / 1000,
    librarySeconds: libraryMilliseconds(clock) / 1000,
    phases: phases.map(({ phase, from }, i) => ({ phase, seconds: ((phases[i + 1]?.from ?? ended) - from) / 1000 })),
    perplexities: measured
      ? [measured.fullPrecision, ...Object.values(measured.quantizers), ...Object.values(measured.variants)]
      : []
  }
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** Linux counts for the program itself; elsewhere the figure may include what it was started from. */
function peakBytes(): number {
  const highWater =
    process.platform === 'linux' ? /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8')) : null
  return 1024 * (highWater ? Number(highWater[1]) : process.resourceUsage().maxRSS)
}

const folder = process.argv[2]
if (folder === undefined) throw new Error('give the folder of a run')
console.log(JSON.stringify(await work(folder)))
