import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { onLanes } from '../../../../src/engine/solve/lanes'

const never = new AbortController().signal

/** Lanes on which a job takes as many turns of the event loop as its number says; what happens is noted. */
function turningLanes(count: number, failing?: number) {
  const notes: string[] = []
  const lane = async (job: number): Promise<number> => {
    notes.push(`begin ${job}`)
    for (let i = 0; i < job; i++) await turn()
    notes.push(`end ${job}`)
    if (job === failing) throw new Error(`job ${job}`)
    return 10 * job
  }
  return { notes, lanes: Array.from({ length: count }, () => lane) }
}

async function all<T>(results: AsyncGenerator<T>): Promise<T[]> {
  const found: T[] = []
  for await (const result of results) found.push(result)
  return found
}

describe('jobs on lanes', () => {
  it('are begun in their own order, several at a time, and their results come in the order of the jobs', async () => {
    const { notes, lanes } = turningLanes(2)
    expect(await all(onLanes([1, 9, 3], [1, 2, 0], lanes, never))).toEqual([10, 90, 30])
    expect(notes).toEqual(['begin 9', 'begin 3', 'end 3', 'begin 1', 'end 1', 'end 9'])
  })

  it('are no more begun after one has failed, and those under way are awaited', async () => {
    const { notes, lanes } = turningLanes(2, 2)
    await expect(all(onLanes([9, 2, 1], [0, 1, 2], lanes, never))).rejects.toThrow('job 2')
    expect(notes).toEqual(['begin 9', 'begin 2', 'end 2', 'end 9'])
  })

  it('are no more begun after a cancel, and those under way are awaited', async () => {
    const { notes, lanes } = turningLanes(1)
    const controller = new AbortController()
    const results = all(onLanes([5, 1], [0, 1], lanes, controller.signal))
    await turn()
    controller.abort(new Error('enough'))
    await expect(results).rejects.toThrow('enough')
    expect(notes).toEqual(['begin 5', 'end 5'])
  })

  it('are not begun at all when they are cancelled already', async () => {
    const { notes, lanes } = turningLanes(1)
    await expect(all(onLanes([1], [0], lanes, AbortSignal.abort(new Error('before'))))).rejects.toThrow('before')
    expect(notes).toEqual([])
  })

  it('are awaited when nobody wants their results any more', async () => {
    const { notes, lanes } = turningLanes(2)
    for await (const _ of onLanes([1, 9, 2], [0, 1, 2], lanes, never)) break
    expect(notes).toContain('end 9')
  })
})
