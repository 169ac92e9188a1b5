import { describe, expect, test } from 'vitest'
import { orderQueue, queueRun, takeQueuedRun, unqueueRun } from '../../../src/store/queue'
import { appendEvents } from '../../../src/store/runEvents'
import { findRunIds, getRun, listQueue, listRunning } from '../../../src/store/runQueries'
import { finishRun, insertRun } from '../../../src/store/runs'
import type { Store } from '../../../src/store/schema'
import { eventsOf, runOutcome, runRecord, sha256, temporaryHome, temporaryStore } from '../../helpers/stores'

const waiting = async (store: Store) => (await listQueue(store)).map(({ id }) => id)

async function queueOf(...ids: string[]): Promise<Store> {
  const store = await temporaryStore()
  for (const id of ids) await insertRun(store, runRecord(id), { queued: true })
  return store
}

describe('the queue', () => {
  test('keeps the order in which runs came, and takes another', async () => {
    const store = await queueOf('a', 'b', 'c')
    expect(await waiting(store)).toEqual(['a', 'b', 'c'])
    await orderQueue(store, ['c', 'a', 'b'])
    await insertRun(store, runRecord('d'), { queued: true })
    expect(await waiting(store)).toEqual(['c', 'a', 'b', 'd'])
  })

  test('gives a run to one of two processes that want it', async () => {
    const home = temporaryHome()
    const stores = [await temporaryStore(home), await temporaryStore(home)]
    await insertRun(stores[0]!, runRecord('a'), { queued: true })
    const taken = await Promise.all(stores.map((store) => takeQueuedRun(store, 'a')))
    expect(taken.filter(Boolean)).toHaveLength(1)
    expect(await getRun(stores[1]!, 'a')).toMatchObject({ status: 'running', attempt: 1, queuePosition: null })
    expect(await listRunning(stores[1]!)).toEqual(['a'])
  })

  test('counts another attempt only for a run that was begun before', async () => {
    const store = await queueOf('a')
    await takeQueuedRun(store, 'a')
    const record = runRecord('a')
    const outcome = runOutcome(record)
    await appendEvents(store, 'a', eventsOf(record, outcome, { bytes: 1, sha256: sha256('weights') }))
    await finishRun(store, 'a', { ...outcome, status: 'cancelled' })
    await queueRun(store, 'a')
    expect(await getRun(store, 'a')).toMatchObject({ status: 'queued', attempt: 1, finishedAtMs: null })
    expect(await takeQueuedRun(store, 'a')).toBe(true)
    expect(await getRun(store, 'a')).toMatchObject({ status: 'running', attempt: 2 })
  })

  test('gives nothing for a run that was taken out of it', async () => {
    const store = await queueOf('a', 'b')
    await unqueueRun(store, 'a', 7)
    expect(await takeQueuedRun(store, 'a')).toBe(false)
    expect(await getRun(store, 'a')).toMatchObject({ status: 'cancelled', finishedAtMs: 7, queuePosition: null })
    expect(await waiting(store)).toEqual(['b'])
  })
})

test('a run is found by the beginning of its id, its whole id before others that begin with it', async () => {
  const store = await queueOf('run-1', 'run-12', 'other', 'r_n-1')
  expect(await findRunIds(store, 'run-1')).toEqual(['run-1'])
  expect(await findRunIds(store, 'run')).toEqual(['run-1', 'run-12'])
  expect(await findRunIds(store, 'r_')).toEqual(['r_n-1'])
  expect(await findRunIds(store, '')).toEqual([])
})
