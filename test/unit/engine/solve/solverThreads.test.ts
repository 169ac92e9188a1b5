import { describe, expect, it } from 'vitest'
import { SecondMoment } from '../../../../src/engine/methods/secondMoment'
import type { PreparedLinear } from '../../../../src/engine/models/modelLinears'
import type { LinearJob } from '../../../../src/engine/solve/blockSolver'
import type { LinearTask } from '../../../../src/engine/solve/solveLinear'
import { SolverThreads } from '../../../../src/engine/solve/solverThreads'

/** A thread that treats jobs as the given code says; the real thread main is tested on the built program. */
const thread = (onJob: string): URL =>
  new URL(
    `data:text/javascript,${encodeURIComponent(
      `import { parentPort } from 'node:worker_threads'
       parentPort.on('message', ({ kind, task, H, options }) => {
         if (kind === 'close') return parentPort.close()
         const solved = { kind: 'solved', weight: task.weight, H, linear: { Q: H, fingerprint: task.linear.path, solved: [] } }
         ${onJob}
       })`
    )}`
  )

const never = new AbortController().signal

function jobsOf(moments: readonly SecondMoment[], weights: readonly Float32Array[]): LinearJob[] {
  return moments.map((moment, i) => {
    const linear = { path: `linear ${i}`, inFeatures: 2, outFeatures: 1 + i } as PreparedLinear
    const task: LinearTask = {
      linear,
      weight: weights[i] as Float32Array,
      moment,
      curvature: undefined,
      outputEnergy: 0,
      weightNorm: 0
    }
    return { task, spec: {}, variants: [], seed: 0, factorDtype: 'float32' } as unknown as LinearJob
  })
}

const momentOf = (value: number) => new SecondMoment({ data: new Float64Array(4).fill(value), rows: 2, cols: 2 })

async function solved(solver: SolverThreads, jobs: readonly LinearJob[], signal = never): Promise<unknown[]> {
  const found: unknown[] = []
  for await (const { fingerprint, Q } of solver.solve(jobs, signal)) found.push([fingerprint, (Q as Float32Array)[0]])
  return found
}

describe('solver threads', () => {
  it('are given the H and the weight of each linear, and give them back', async () => {
    const solver = new SolverThreads(thread('parentPort.postMessage(solved)'), 2, 1)
    const [shared, own] = [momentOf(7), momentOf(9)]
    const whole = new Float32Array([1, 2, 3, 4])
    const jobs = jobsOf([shared, shared, own], [whole.subarray(0, 2), whole.subarray(2), Float32Array.of(5, 6)])
    for (let round = 0; round < 2; round++) {
      expect(await solved(solver, jobs)).toEqual([
        ['linear 0', 7],
        ['linear 1', 7],
        ['linear 2', 9]
      ])
      expect(shared.H.data).toEqual(new Float64Array(4).fill(7))
      expect(own.H.data).toEqual(new Float64Array(4).fill(9))
      expect(jobs.map(({ task }) => [...task.weight])).toEqual([
        [1, 2],
        [3, 4],
        [5, 6]
      ])
    }
    expect([...whole]).toEqual([1, 2, 3, 4]) // views are copied: what else lies in their memory stays
    await solver.close()
  })

  it('pass errors on', async () => {
    const failing = thread(
      `parentPort.postMessage({ kind: 'failed', error: { code: 'NUMERICS', message: task.linear.path } })`
    )
    const solver = new SolverThreads(failing, 2, 1)
    const failure = { code: 'NUMERICS', message: expect.stringContaining('linear') }
    await expect(
      solved(solver, jobsOf([momentOf(1), momentOf(2)], [new Float32Array(2), new Float32Array(2)]))
    ).rejects.toMatchObject(failure)
    await solver.close()
  })

  it.each([
    ['throw', `throw new Error('out of luck')`, 'a solver thread died: out of luck'],
    ['end', `process.exit(3)`, 'a solver thread died: exit code 3']
  ])('that %s make the work fail by name, and close afterwards', async (_, code, message) => {
    const solver = new SolverThreads(thread(code), 2, 1)
    const jobs = jobsOf([momentOf(1), momentOf(2)], [new Float32Array(2), new Float32Array(2)])
    await expect(solved(solver, jobs)).rejects.toMatchObject({ code: 'INTERNAL', message })
    await solver.close()
  })

  it('have as many threads for products as they are told', async () => {
    const telling = thread(
      'parentPort.postMessage({ ...solved, linear: { ...solved.linear, fingerprint: process.env.QUAIL_THREADS } })'
    )
    const solver = new SolverThreads(telling, 1, 3)
    expect(await solved(solver, jobsOf([momentOf(1)], [new Float32Array(2)]))).toEqual([['3', 1]])
    await solver.close()
  })

  it('finish what is under way when they are cancelled', async () => {
    const solver = new SolverThreads(thread('setTimeout(() => parentPort.postMessage(solved), 50)'), 1, 1)
    const controller = new AbortController()
    const jobs = jobsOf([momentOf(1), momentOf(2)], [new Float32Array(2), new Float32Array(2)])
    const work = solved(solver, jobs, controller.signal)
    controller.abort(new Error('enough'))
    await expect(work).rejects.toThrow('enough')
    expect(jobs.filter(({ task }) => task.weight.length === 0)).toEqual([])
    await solver.close()
  })
})
