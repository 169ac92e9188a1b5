import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { InferenceSession } from 'onnxruntime-node'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { smallModel } from '../helpers/checkpoints'
import { sampleText } from '../helpers/paths'
import { finishedOf, makeRun, runToEnd } from '../helpers/runs'

/** `QUAIL_RUNS=100` tells a hundred runs in a row, in two minutes. */
const RUNS = Number(process.env.QUAIL_RUNS) || 10
/** Runs until the process has all that it keeps: compiled code, the library's threads. */
const FIRST = 4
/** Resident memory goes up and down by some 10 MiB with the garbage collection. */
const SWAY_MIB = 24

const residentMiB = (): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024
const entriesOf = (folder: string): number => readdirSync(`/proc/self/${folder}`).length

/** Counts the library's sessions that were made and not given back, from now on. */
function watchSessions(): () => number {
  let open = 0
  const create = InferenceSession.create.bind(InferenceSession) as (...args: unknown[]) => Promise<InferenceSession>
  vi.spyOn(InferenceSession, 'create').mockImplementation((async (...args: unknown[]) => {
    const session = await create(...args)
    const release = session.release.bind(session)
    open++
    session.release = async () => {
      open--
      await release()
    }
    return session
  }) as unknown as typeof InferenceSession.create)
  return () => open
}

afterEach(() => vi.restoreAllMocks())

describe.runIf(process.platform === 'linux')('runs in a row in one process', () => {
  it('give back their sessions, files, threads and memory', async () => {
    const model = smallModel()
    const open = watchSessions()
    const texts = { files: [sampleText('moby-evaluation.txt')], rows: 2 }
    const seen: { mib: number; files: number; threads: number }[] = []
    for (let i = 0; i < RUNS; i++) {
      const variants = [
        { method: 'quailora', rank: 4 },
        { name: 'refined', method: 'svd', rank: 4, refine: { steps: 1 } }
      ]
      const run = makeRun({ model, context: 32, calibration: { ...texts, rows: 4 }, evaluation: texts, variants })
      expect(finishedOf(await runToEnd(run)).status).toBe('completed')
      expect(open()).toBe(0)
      rmSync(dirname(run.folder), { recursive: true })
      seen.push({ mib: residentMiB(), files: entriesOf('fd'), threads: entriesOf('task') })
    }
    rmSync(model, { recursive: true })
    const [before, after] = [seen[FIRST - 1], seen.at(-1)]
    expect(after?.files).toBe(before?.files)
    expect(after?.threads).toBe(before?.threads)
    expect((after?.mib as number) - (before?.mib as number)).toBeLessThan(SWAY_MIB)
  })
})
