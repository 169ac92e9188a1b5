import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AppError } from '../../src/shared/errors'
import type { FuzzInput, FuzzTarget } from './fuzzTarget'
import { generator } from './random'
import { watch } from './watchdog'

/** What a reader may say about a bad file. IO is for disks, INTERNAL for our defects. */
const REFUSALS = new Set(['BAD_INPUT', 'BAD_FORMAT'])

/** Processor time of one input, in seconds, where a target has no limit of its own: the clock on the wall would blame the reader for a busy machine. */
const MAX_SECONDS = 1

/** Growth of the process's peak memory during one input, where a target has no limit of its own: inputs have some kilobytes. */
const MAX_MEBIBYTES = 256

export interface FuzzResult {
  readonly inputs: number
  readonly refused: number
  /** Seconds of the slowest input. */
  readonly slowest: number
}

/**
 * Gives a target mutated inputs until `done`.
 *
 * @throws {Error} for the first defect: anything but success or a refusal, an input that is slow or takes much memory, or
 *   a file that was written or changed; names the seed and the directory in which the input was kept
 */
export async function fuzz(target: FuzzTarget, seed: number, done: (inputs: number) => boolean): Promise<FuzzResult> {
  const home = mkdtempSync(join(tmpdir(), 'quail-fuzz-'))
  const directory = join(home, 'input')
  mkdirSync(directory)
  const watchdog = watch(`target ${target.name}, seed ${seed}`, directory)
  const random = generator(seed)
  const result = { inputs: 0, refused: 0, slowest: 0 }
  let input: FuzzInput = {}
  let used = usage()
  try {
    for (; !done(result.inputs); result.inputs++) {
      watchdog.next()
      const before = input
      input = target.make(random)
      lay(directory, input, before)
      const { defect, refused, seconds, after } = await readOne(target, directory, used)
      used = after
      result.slowest = Math.max(result.slowest, seconds)
      if (refused) result.refused++
      const problem = defect ?? written(home, directory, input)
      if (problem !== undefined) throw new Error(report(target, seed, result.inputs, directory, problem))
    }
    return result
  } finally {
    await watchdog.stop()
    rmSync(home, { recursive: true })
  }
}

/** Puts the input into the directory in the place of the one before it. */
function lay(directory: string, input: FuzzInput, before: FuzzInput): void {
  for (const name of Object.keys(before)) if (!Object.hasOwn(input, name)) rmSync(join(directory, name))
  for (const [name, bytes] of Object.entries(input)) {
    if (before[name] !== bytes) writeFileSync(join(directory, name), bytes)
  }
}

interface Usage {
  /** Seconds of processor time, all threads. */
  readonly seconds: number
  readonly peakKib: number
}

function usage(): Usage {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  return { seconds: (userCPUTime + systemCPUTime) / 1e6, peakKib: maxRSS }
}

async function readOne(target: FuzzTarget, directory: string, before: Usage) {
  const begun = performance.now()
  const error = await target.read(directory).then(
    () => undefined,
    (reason: unknown) => reason ?? new Error('rejected with nothing')
  )
  const wall = (performance.now() - begun) / 1000
  const after = usage()
  const seconds = Math.min(wall, after.seconds - before.seconds)
  const defect = defectOf(error, target, seconds, after.peakKib - before.peakKib)
  return { defect, refused: error !== undefined, seconds, after }
}

function defectOf(error: unknown, target: FuzzTarget, seconds: number, growth: number): string | undefined {
  const { maxSeconds = MAX_SECONDS, maxMebibytes = MAX_MEBIBYTES } = target
  if (error !== undefined && !(error instanceof AppError && REFUSALS.has(error.code)))
    return error instanceof Error ? (error.stack ?? error.message) : String(error)
  if (seconds > maxSeconds) return `took ${seconds.toFixed(2)} s`
  return growth > 1024 * maxMebibytes ? `took ${Math.round(growth / 1024)} MiB of memory` : undefined
}

/** What is in the home and was not put there. */
function written(home: string, directory: string, input: FuzzInput): string | undefined {
  const inHome = readdirSync(home).filter((name) => name !== 'input')
  const inInput = readdirSync(directory).filter((name) => !Object.hasOwn(input, name))
  const found = [...inHome, ...inInput]
  return found.length === 0 ? undefined : `wrote ${found.join(', ')}`
}

function report(target: FuzzTarget, seed: number, index: number, directory: string, problem: string): string {
  const kept = mkdtempSync(join(tmpdir(), `quail-fuzz-${target.name}-`))
  cpSync(directory, kept, { recursive: true })
  return `target ${target.name}, seed ${seed}, input ${index}, kept in ${kept}: ${problem}`
}
