import { expect, test } from 'vitest'
import { importSet, listSets, readSamples } from '../../../src/store/calibrationSets'
import { readRunSettings } from '../../../src/store/comparison'
import { deleteForNow, listDeletions, removeDeleted, takeFinal, undoDeletion } from '../../../src/store/deletions'
import { createProject, DEFAULT_PROJECT, listProjects, setProjectNotes } from '../../../src/store/projects'
import { takeQueuedRun } from '../../../src/store/queue'
import { appendEvents, readEvents } from '../../../src/store/runEvents'
import { findRunIds, getRun, listQueue, listRunning, listRuns } from '../../../src/store/runQueries'
import { insertRun, setRunName } from '../../../src/store/runs'
import type { Store } from '../../../src/store/schema'
import { eventsOf, runOutcome, runRecord, sha256, temporaryStore } from '../../helpers/stores'

const importLaw = (store: Store, text = 'one') =>
  importSet(store, { name: 'law', source: { path: '/texts/law.txt', sha256: sha256(text) }, samples: [text] })

const namesOf = async (store: Store) => ({
  runs: (await listRuns(store)).map(({ id }) => id),
  sets: (await listSets(store)).map(({ name }) => name),
  projects: (await listProjects(store)).map(({ name, runs }) => `${name} ${runs}`)
})

test('what was deleted is seen by nobody, and comes back as it was', async () => {
  const store = await temporaryStore()
  const project = await createProject(store, 'Courts')
  await setProjectNotes(store, project, 'for the paper')
  await insertRun(store, runRecord('a'), { project })
  await insertRun(store, runRecord('b'), { project, queued: true })
  await insertRun(store, runRecord('c'))
  const record = runRecord('a')
  await appendEvents(store, 'a', eventsOf(record, runOutcome(record), { bytes: 7, sha256: 'f'.repeat(64) }))
  const events = await readEvents(store, 'a')
  await importLaw(store)
  const before = await namesOf(store)

  const id = await deleteForNow(store, 'all of it', { sets: ['law'], projects: [project] })
  expect(await namesOf(store)).toEqual({ runs: ['c'], sets: [], projects: ['Default 1'] })
  expect(await listRunning(store)).toEqual(['c'])
  expect(await listQueue(store)).toEqual([])
  expect(await takeQueuedRun(store, 'b')).toBe(false)
  expect(await findRunIds(store, 'a')).toEqual([])
  expect([...(await readRunSettings(store, ['a', 'c'])).keys()]).toEqual(['c'])
  await expect(getRun(store, 'a')).rejects.toThrow('there is no run "a"')
  await expect(setRunName(store, 'a', 'x')).rejects.toThrow('there is no run "a"')
  await expect(readSamples(store, 'law')).rejects.toThrow('there is no calibration set named "law"')
  expect(await listDeletions(store)).toMatchObject([{ id, title: 'all of it' }])

  expect(await undoDeletion(store, id)).toMatchObject({ title: 'all of it' })
  expect(await namesOf(store)).toEqual(before)
  expect((await listProjects(store)).find(({ name }) => name === 'Courts')?.notes).toBe('for the paper')
  expect((await listQueue(store)).map((run) => run.id)).toEqual(['b'])
  expect(await readEvents(store, 'a')).toEqual(events)
  expect((await readSamples(store, 'law')).map(({ text }) => text)).toEqual(['one'])
  await expect(undoDeletion(store, id)).rejects.toThrow('cannot be undone any more')
})

test('a deleted name is free at once; what comes back under a name that was taken gets a number', async () => {
  const store = await temporaryStore()
  const project = await createProject(store, 'Courts')
  await importLaw(store)
  const id = await deleteForNow(store, 'both', { sets: ['law'], projects: [project] })
  await importLaw(store, 'two')
  await createProject(store, 'Courts')
  await undoDeletion(store, id)
  expect((await listSets(store)).map(({ name }) => name)).toEqual(['law', 'law-2'])
  expect((await readSamples(store, 'law-2')).map(({ text }) => text)).toEqual(['one'])
  expect((await listProjects(store)).map(({ name }) => name).sort()).toEqual(['Courts', 'Courts-2', 'Default'])
})

test('is final after a while, once and for good, also for a process that died in between', async () => {
  const store = await temporaryStore()
  const project = await createProject(store, 'Courts')
  await insertRun(store, runRecord('a'), { project })
  await importLaw(store)
  const old = await deleteForNow(store, 'old', { projects: [project], sets: ['law'] }, 1000)
  await insertRun(store, runRecord('b'))
  const young = await deleteForNow(store, 'young', { runs: ['b'] }, 2000)
  expect(await takeFinal(store, 1500)).toEqual([{ deletion: old, runs: ['a'] }])
  await expect(undoDeletion(store, old)).rejects.toThrow('cannot be undone any more')
  // The process that took it died here; the next finds it again.
  expect(await takeFinal(store, 0)).toEqual([{ deletion: old, runs: ['a'] }])
  await removeDeleted(store, old)
  for (const table of ['calibration_sets', 'calibration_samples'] as const)
    expect(await store.selectFrom(table).selectAll().execute()).toEqual([])
  expect((await store.selectFrom('runs').select('id').execute()).map(({ id }) => id)).toEqual(['b'])
  expect((await store.selectFrom('projects').select('id').execute()).map(({ id }) => id)).toEqual([DEFAULT_PROJECT])
  await undoDeletion(store, young)
  expect((await namesOf(store)).runs).toEqual(['b'])
})

test('the default project stays', async () => {
  const store = await temporaryStore()
  await expect(deleteForNow(store, 'x', { projects: [DEFAULT_PROJECT] })).rejects.toThrow(
    'the default project cannot be deleted'
  )
  expect(await listDeletions(store)).toEqual([])
})

test('a run is called as it was named, else as its recipe', async () => {
  const store = await temporaryStore()
  await insertRun(store, runRecord('a'))
  await setRunName(store, 'a', '  final try ')
  expect((await listRuns(store))[0]?.name).toBe('final try')
  await setRunName(store, 'a', ' ')
  expect((await getRun(store, 'a')).name).toBe('law')
})
