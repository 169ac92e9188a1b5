import { expect, test } from 'vitest'
import type { RunEvent } from '../../../src/shared/runEvents'
import { appendEvents, readEvents } from '../../../src/store/runEvents'
import { insertRun, resumeRun } from '../../../src/store/runs'
import type { Store } from '../../../src/store/schema'
import { eventsOf, runOutcome, runRecord, sha256, temporaryStore } from '../../helpers/stores'

const warnings = (run: string, from: number, count: number): RunEvent[] =>
  Array.from({ length: count }, (_, i) => ({
    type: 'warning',
    code: 'TEST',
    message: `warning ${from + i}`,
    run,
    seq: from + i,
    atMs: 1000.25 + i
  }))

async function storeWithRun(...ids: string[]): Promise<Store> {
  const store = await temporaryStore()
  for (const id of ids) await insertRun(store, runRecord(id))
  return store
}

test('events come back as they were, with the layer results that are stored apart', async () => {
  const store = await storeWithRun('a')
  const record = runRecord('a')
  const events = eventsOf(record, runOutcome(record), { bytes: 1000, sha256: sha256('weights') })
  await appendEvents(store, 'a', events)
  expect((await readEvents(store, 'a')).map(({ event }) => event)).toEqual(events)
})

test('a layer that is reported once per quantizer keeps its variants apart', async () => {
  const store = await storeWithRun('a')
  const record = runRecord('a')
  const [layer] = eventsOf(record, runOutcome(record), { bytes: 1, sha256: '' }).filter(
    (event) => event.type === 'layerFinished'
  )
  const halves = [0, 1].map((i) => ({ ...layer!, seq: i, results: [layer!.results[i]!] }))
  await appendEvents(store, 'a', halves)
  expect((await readEvents(store, 'a')).map(({ event }) => event)).toEqual(halves)
})

test('a reader gets what came after its last position, in pages', async () => {
  const store = await storeWithRun('a', 'b')
  await appendEvents(store, 'a', warnings('a', 0, 3))
  await appendEvents(store, 'b', warnings('b', 0, 2))
  await appendEvents(store, 'a', warnings('a', 3, 2))
  expect((await readEvents(store, 'a')).map(({ position }) => position)).toEqual([0, 1, 2, 3, 4])
  expect((await readEvents(store, 'a', 2)).map(({ event }) => event.seq)).toEqual([3, 4])
  expect((await readEvents(store, 'a', -1, 2)).map(({ position }) => position)).toEqual([0, 1])
  expect(await readEvents(store, 'a', 4)).toEqual([])
  expect(await readEvents(store, 'b', 1)).toEqual([])
})

test('a resumed run starts its seq anew and its positions go on', async () => {
  const store = await storeWithRun('a')
  await appendEvents(store, 'a', warnings('a', 0, 2))
  await resumeRun(store, 'a')
  await appendEvents(store, 'a', warnings('a', 0, 2))
  const stored = await readEvents(store, 'a')
  expect(stored.map(({ position, attempt, event }) => [position, attempt, event.seq])).toEqual([
    [0, 1, 0],
    [1, 1, 1],
    [2, 2, 0],
    [3, 2, 1]
  ])
})

test('the same event is not stored twice in one attempt, and nothing of such a call is kept', async () => {
  const store = await storeWithRun('a')
  await appendEvents(store, 'a', warnings('a', 0, 2))
  await expect(appendEvents(store, 'a', warnings('a', 1, 5))).rejects.toThrow('UNIQUE constraint failed')
  expect(await readEvents(store, 'a')).toHaveLength(2)
})

test('thousands of events in one call are stored in order', async () => {
  const store = await storeWithRun('a')
  await appendEvents(store, 'a', warnings('a', 0, 3210))
  const stored = await readEvents(store, 'a')
  expect(stored.map(({ event }) => event.seq)).toEqual(Array.from({ length: 3210 }, (_, i) => i))
})

test('events of an unknown run are refused in a sentence', async () => {
  const store = await storeWithRun()
  await expect(appendEvents(store, 'x', warnings('x', 0, 1))).rejects.toThrow('there is no run "x"')
  expect(await readEvents(store, 'x')).toEqual([])
})
