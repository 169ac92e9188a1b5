import { describe, expect, it } from 'vitest'
import { recordEvents } from '../../../src/services/recordEvents'
import type { RunEvent, RunEventDraft } from '../../../src/shared/runEvents'
import { readEvents } from '../../../src/store/runEvents'
import { deleteRun, insertRun } from '../../../src/store/runs'
import { runRecord, temporaryStore } from '../../helpers/stores'

const stamped = (drafts: RunEventDraft[], stepMs: number): RunEvent[] =>
  drafts.map((draft, seq) => ({ ...draft, run: 'r', seq, atMs: seq * stepMs }))

const warnings = (count: number): RunEventDraft[] =>
  Array.from({ length: count }, (_, i) => ({ type: 'warning', code: 'W', message: `number ${i}` }))

const progress = (count: number): RunEventDraft[] =>
  Array.from({ length: count }, (_, done) => ({ type: 'phaseProgress', phase: 'blocks', done, total: count }))

describe('events of a run', () => {
  it('are stored before they are handed on, all and in order', async () => {
    const store = await temporaryStore()
    await insertRun(store, runRecord('r'))
    const seen: { seq: number; stored: Promise<number> }[] = []
    const recorder = recordEvents(store, 'r', ({ seq }) => {
      seen.push({ seq, stored: readEvents(store, 'r').then((events) => events.length) })
    })
    for (const event of stamped(warnings(50), 1)) {
      recorder.accept(event)
      if (event.seq % 7 === 0) await new Promise(setImmediate)
    }
    await recorder.drain()
    expect(seen.map(({ seq }) => seq)).toEqual(Array.from({ length: 50 }, (_, i) => i))
    for (const { seq, stored } of seen) expect(await stored).toBeGreaterThan(seq)
    expect((await readEvents(store, 'r')).map(({ event }) => event.seq)).toEqual(seen.map(({ seq }) => seq))
  })

  it('are thinned out where they only tell of progress, but handed on completely', async () => {
    const store = await temporaryStore()
    await insertRun(store, runRecord('r'))
    let handedOn = 0
    const recorder = recordEvents(store, 'r', () => handedOn++)
    for (const event of stamped(progress(40), 100)) recorder.accept(event)
    await recorder.drain()
    expect(handedOn).toBe(40)
    // 40 steps of 100 ms, one stored a second.
    expect((await readEvents(store, 'r')).map(({ event }) => event.seq)).toEqual([0, 10, 20, 30])
  })

  it('stop the run once when they cannot be stored, and the reason comes out at the end', async () => {
    const store = await temporaryStore()
    await insertRun(store, runRecord('r'))
    await deleteRun(store, 'r')
    const [handedOn, failures]: [number[], string[]] = [[], []]
    const recorder = recordEvents(
      store,
      'r',
      ({ seq }) => handedOn.push(seq),
      () => failures.push('stop')
    )
    for (const event of stamped(warnings(3), 1)) {
      recorder.accept(event)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await expect(recorder.drain()).rejects.toMatchObject({ code: 'BAD_INPUT' })
    expect([handedOn, failures]).toEqual([[0, 1, 2], ['stop']])
  })
})
