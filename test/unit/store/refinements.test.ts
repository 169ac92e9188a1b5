import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { RUN_FILES, type RunOutcome } from '../../../src/shared/runFolder'
import { closeStore, openStore } from '../../../src/store/database'
import { rebuildStore } from '../../../src/store/rebuild'
import { appendEvents } from '../../../src/store/runEvents'
import { getRun, readVariantResults } from '../../../src/store/runQueries'
import { finishRun, insertRun, resumeRun } from '../../../src/store/runs'
import {
  eventsOf,
  journalOf,
  refinedSteps,
  refinementResult,
  runOutcome,
  runRecord,
  temporaryHome,
  temporaryStore,
  writeRunFolder
} from '../../helpers/stores'

const REFINED = 'quailora-r8'
const refined = { type: 'refined' as const, variant: REFINED, run: 'a', atMs: 0 }
const weights = { bytes: 1, sha256: 'x' }

/** The outcome with a refinement of one variant. */
const withRefinement = (outcome: RunOutcome): RunOutcome => ({
  ...outcome,
  variants: outcome.variants.map((one) => (one.name === REFINED ? { ...one, refinement: refinementResult(3) } : one))
})

async function rebuilt(home: string) {
  const file = join(home, 'quail.db')
  const { problems } = await rebuildStore(file, join(home, 'runs'))
  expect(problems).toEqual([])
  const store = await openStore(file)
  onTestFinished(() => closeStore(store))
  return store
}

const refinementsOf = (variants: readonly { readonly refinement?: unknown }[]) =>
  variants.map(({ refinement }) => refinement)

test('a refinement is stored as far as it is reported, with every digit', async () => {
  const store = await temporaryStore()
  await insertRun(store, runRecord('a'))
  await appendEvents(store, 'a', [
    { ...refined, seq: 0, result: refinementResult(1) },
    { ...refined, seq: 1, result: refinementResult(2) }
  ])
  expect(refinementsOf((await getRun(store, 'a')).variants)).toEqual([undefined, refinementResult(2)])
})

test('the outcome of a run has the last word, and one that failed keeps what was reported', async () => {
  const store = await temporaryStore()
  const record = runRecord('a')
  await insertRun(store, record)
  await appendEvents(store, 'a', [{ ...refined, seq: 0, result: refinementResult(1) }])
  await finishRun(store, 'a', { ...runOutcome(record), status: 'failed', variants: [] })
  expect(refinementsOf((await getRun(store, 'a')).variants)).toEqual([undefined, refinementResult(1)])
  await resumeRun(store, 'a')
  const outcome = withRefinement(runOutcome(record))
  await appendEvents(store, 'a', eventsOf(record, outcome, weights))
  await finishRun(store, 'a', outcome)
  expect(await readVariantResults(store, 'a')).toEqual(outcome.variants)
})

test('a rebuilt database has it from the outcome', async () => {
  const home = temporaryHome()
  const record = runRecord('a', { out: join(home, 'out') })
  const outcome = withRefinement(runOutcome(record))
  writeRunFolder(join(home, 'runs'), record, [...journalOf(outcome), refinedSteps(REFINED, 2)], outcome)
  expect(await readVariantResults(await rebuilt(home), 'a')).toEqual(outcome.variants)
})

test('and of a run without one from the last whole line of its journal', async () => {
  const home = temporaryHome()
  const record = runRecord('a')
  const entries = [...journalOf(runOutcome(record)), refinedSteps(REFINED, 0), refinedSteps(REFINED, 1)]
  const folder = writeRunFolder(join(home, 'runs'), record, entries)
  writeFileSync(join(folder, RUN_FILES.journal), JSON.stringify(refinedSteps(REFINED, 2)).slice(0, 99), { flag: 'a' })
  const { variants, status } = await getRun(await rebuilt(home), 'a')
  expect(status).toBe('running')
  expect(refinementsOf(variants)).toEqual([undefined, refinementResult(1)])
})
