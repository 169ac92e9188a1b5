import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { makeCheckpoint } from '../../bench/makeCheckpoint'
import type { RunEventDraft } from '../../src/shared/runEvents'
import { builtCli } from '../helpers/commandLine'
import { exportedBase } from '../helpers/exportedBase'
import { adapterDigests, finishedOf, makeRun, runToEnd, type TestRun } from '../helpers/runs'

/*
 * Linears solved on threads, by the built thread main: what comes out has the same bytes as from one thread.
 */

const built = new URL('solverWorker.js', pathToFileURL(builtCli))
const dying = new URL(
  `data:text/javascript,${encodeURIComponent(
    `import { parentPort } from 'node:worker_threads'
     parentPort.on('message', ({ kind }) => kind === 'close' ? parentPort.close() : process.exit(3))`
  )}`
)

const variants = ['quailora-r4', 'kfac-r4', 'int8']
const recipe = {
  calibration: { files: [], rows: 2 },
  evaluation: undefined,
  factorDtype: 'bfloat16',
  variants: [
    { method: 'quailora', rank: 4 },
    { method: 'kfac', rank: 4 },
    { name: 'int8', method: 'exact', rank: 2, quantizer: { format: 'int8' } }
  ]
}

/** A block whose linears are just large enough to be worth threads. */
const model = once(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'quail-model-'))
  const shape = { blocks: 1, hidden: 512, intermediate: 1024, heads: 8, keyValueHeads: 4, vocabulary: 4096 }
  await makeCheckpoint(directory, shape)
  return directory
})

const newRun = async (changes: object = {}): Promise<TestRun> => {
  const { calibration } = makeRun().record.recipe
  return makeRun({ ...recipe, model: await model(), calibration: { ...calibration, rows: 2 }, ...changes })
}

/** The adapters of a run on this thread alone. */
const expected = once(async () => {
  const run = await newRun()
  const events = await runToEnd(run)
  expect(finishedOf(events).status).toBe('completed')
  return { digests: adapterDigests(run, variants), told: told(events) }
})

/** The adapter of a run on a pre-quantized base, on threads or without them. */
async function onBase(base: string, solver?: URL) {
  const run = await newRun({ base, variants: [{ name: 'stored', method: 'exact', rank: 4 }] })
  const events = await runToEnd(run, undefined, solver)
  expect(finishedOf(events).error).toBeUndefined()
  return [adapterDigests(run, ['stored']), steps(told(events))]
}

/** What the events say, without times. */
const told = (events: readonly RunEventDraft[]) =>
  events.map((event) => JSON.stringify(event, (key, value) => (/Ms$|^path$|^out$/.test(key) ? 0 : value)))

/** Those that tell of steps. */
const steps = (found: readonly string[]) => found.filter((event) => /layerFinished|phase|blockFinished/.test(event))

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}

beforeEach(() => void vi.stubEnv('QUAIL_THREADS', '3'))
afterEach(() => void vi.unstubAllEnvs())

describe('a run whose linears are solved on threads', () => {
  it('look up the codes of a pre-quantized base', async () => {
    const base = await exportedBase(await model())
    expect(await onBase(base, built)).toEqual(await onBase(base))
  })

  it('gives the same adapters as one thread, to the byte, and tells the same events in the same order', async () => {
    const run = await newRun()
    const events = await runToEnd(run, undefined, built)
    expect(adapterDigests(run, variants)).toEqual((await expected()).digests)
    expect(steps(told(events))).toEqual(steps((await expected()).told))
  })

  it('stops when it is cancelled in the middle of a block, and goes on to the same bytes', async () => {
    const run = await newRun()
    const third = (event: RunEventDraft) => event.type === 'layerFinished' && event.layer.endsWith('v_proj')
    expect(finishedOf(await runToEnd(run, third, built)).status).toBe('cancelled')
    expect(finishedOf(await runToEnd(run, undefined, built)).status).toBe('completed')
    expect(adapterDigests(run, variants)).toEqual((await expected()).digests)
  })

  it('fails by name when a thread dies, and can be resumed', async () => {
    const run = await newRun()
    const { status, error } = finishedOf(await runToEnd(run, undefined, dying))
    expect([status, error?.code, error?.message]).toEqual(['failed', 'INTERNAL', 'a solver thread died: exit code 3'])
    expect(finishedOf(await runToEnd(run, undefined, built)).status).toBe('completed')
    expect(adapterDigests(run, variants)).toEqual((await expected()).digests)
  })
})
