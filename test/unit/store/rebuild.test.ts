import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { labelRun } from '../../../src/services/runLabels'
import type { Services } from '../../../src/services/services'
import { renameSweep } from '../../../src/services/sweep/sweepService'
import { RUN_FILES, type RunRecord } from '../../../src/shared/runFolder'
import { memberRecipe } from '../../../src/shared/sweep'
import { listArtifacts } from '../../../src/store/artifacts'
import { sampleLine } from '../../../src/store/calibrationSamples'
import { getSet, importSet, listSets, readSamples } from '../../../src/store/calibrationSets'
import { closeStore, openStore } from '../../../src/store/database'
import { readLayerResults } from '../../../src/store/layerResults'
import { listModels } from '../../../src/store/models'
import { rebuildStore } from '../../../src/store/rebuild'
import { listRecipes } from '../../../src/store/recipes'
import { appendEvents } from '../../../src/store/runEvents'
import { getRun, listRuns, readVariantResults } from '../../../src/store/runQueries'
import { finishRun, insertRun } from '../../../src/store/runs'
import type { Store } from '../../../src/store/schema'
import { listSweepRuns } from '../../../src/store/sweeps'
import { eventsOf, journalOf, runOutcome, runRecord, sha256, temporaryHome, writeRunFolder } from '../../helpers/stores'

const WEIGHTS = 'the weights'
const weights = { bytes: WEIGHTS.length, sha256: sha256(WEIGHTS) }

async function open(file: string): Promise<Store> {
  const store = await openStore(file)
  onTestFinished(() => closeStore(store))
  return store
}

/** One completed run as services and engine leave it: rows, run folder, adapters. */
async function completeRun(store: Store, home: string, id: string, changes: Partial<RunRecord> = {}): Promise<void> {
  const record = runRecord(id, { out: join(home, 'out', id), ...changes })
  const outcome = runOutcome(record)
  for (const { adapter } of outcome.variants) {
    mkdirSync(adapter, { recursive: true })
    writeFileSync(join(adapter, 'adapter_model.safetensors'), WEIGHTS)
  }
  writeRunFolder(join(home, 'runs'), record, journalOf(outcome), outcome)
  await insertRun(store, record)
  await appendEvents(store, id, eventsOf(record, outcome, weights))
  await finishRun(store, id, outcome)
}

/** Everything that the run folders hold, as the store tells it. */
async function contents(store: Store) {
  const runs = await listRuns(store)
  return {
    runs,
    sweeps: await listSweepRuns(store),
    models: await listModels(store),
    recipes: await listRecipes(store),
    details: await Promise.all(
      runs.map(async ({ id }) => ({
        run: await getRun(store, id),
        variants: await readVariantResults(store, id),
        layers: await readLayerResults(store, id),
        artifacts: await listArtifacts(store, id)
      }))
    )
  }
}

const set = { label: 'law', source: { files: ['/texts/calibration.txt'], rows: 64 } }
const definition = { id: 's', name: 'sweep', out: '/out', sets: [set], seeds: 2, evaluation: ['law'] }
const sweep = { index: 1, definition }

test('a rebuilt database equals the one that was stored, and the old one is kept beside it', async () => {
  const home = temporaryHome()
  const file = join(home, 'quail.db')
  const store = await openStore(file)
  await completeRun(store, home, 'a')
  await completeRun(store, home, 'b', { createdAtMs: 1_700_000_000_001, sweep })
  const before = await contents(store)
  await closeStore(store)

  const rebuilt = await rebuildStore(file, join(home, 'runs'))
  expect(before.sweeps).toHaveLength(1)
  expect(rebuilt).toMatchObject({ runs: 2, calibrationSets: 0, problems: [] })
  expect(await contents(await open(file))).toEqual(before)
  expect(await contents(await open(rebuilt.setAside!))).toEqual(before)
})

test('what people called runs and sweeps, and wrote beside them, comes back', async () => {
  const home = temporaryHome()
  const file = join(home, 'quail.db')
  const store = await openStore(file)
  for (const id of ['a', 'own']) await completeRun(store, home, id)
  const recipe = memberRecipe(runRecord('member').recipe, definition, 1)
  await completeRun(store, home, 'member', { createdAtMs: 1_700_000_000_001, recipe, sweep })
  const services = { home, store } as Services // labels ask nothing of the engine
  await labelRun(services, 'a', { name: 'first try', notes: 'two\nlines', tags: ['keep', 'paper'] })
  await labelRun(services, 'own', { tags: ['keep'] })
  await labelRun(services, 'own', { name: 'x', tags: [] })
  await labelRun(services, 'own', { name: '' })
  await renameSweep(services, 's', 'ranks')
  const before = await contents(store)
  await closeStore(store)

  expect(before.runs.map(({ id, name, tags }) => [id, name, tags])).toEqual([
    ['member', 'ranks: law, seed 1', []],
    ['own', 'law', []],
    ['a', 'first try', ['keep', 'paper']]
  ])
  expect(before.sweeps[0]?.member.definition.name).toBe('ranks')
  expect(await rebuildStore(file, join(home, 'runs'))).toMatchObject({ runs: 3, problems: [] })
  expect(await contents(await open(file))).toEqual(before)
})

test('a run whose labels are damaged is taken, and they are named', async () => {
  const home = temporaryHome()
  const folder = writeRunFolder(join(home, 'runs'), runRecord('a'), [])
  writeFileSync(join(folder, RUN_FILES.labels), '{"version": 1, "name": 7')
  const { runs, problems } = await rebuildStore(join(home, 'quail.db'), join(home, 'runs'))
  expect(runs).toBe(1)
  expect(problems).toMatchObject([{ path: folder, message: expect.stringContaining(RUN_FILES.labels) }])
})

test('labels of a run whose folder is gone are stored, and make no folder', async () => {
  const home = temporaryHome()
  const store = await open(join(home, 'quail.db'))
  await insertRun(store, runRecord('a'))
  await labelRun({ home, store } as Services, 'a', { name: 'kept' })
  expect((await getRun(store, 'a')).name).toBe('kept')
  expect(readdirSync(home)).not.toContain('runs')
})

test('without a database or run folders there is an empty one afterwards', async () => {
  const home = temporaryHome()
  const rebuilt = await rebuildStore(join(home, 'quail.db'), join(home, 'runs'))
  expect(rebuilt).toEqual({ runs: 0, calibrationSets: 0, problems: [], setAside: undefined })
  expect(readdirSync(home)).toEqual(['quail.db'])
})

test('a damaged database is set aside byte for byte', async () => {
  const home = temporaryHome()
  const file = join(home, 'quail.db')
  const store = await openStore(file)
  await completeRun(store, home, 'a')
  await closeStore(store)
  const damaged = readFileSync(file).fill(0xa5, 0, 8192)
  writeFileSync(file, damaged)
  await expect(openStore(file)).rejects.toThrow('is damaged')

  const { runs, setAside } = await rebuildStore(file, join(home, 'runs'))
  expect(runs).toBe(1)
  expect(readFileSync(setAside!).equals(damaged)).toBe(true)
  expect((await listRuns(await open(file))).map(({ id }) => id)).toEqual(['a'])
})

test('a run without an outcome is running, with the layers of its journal up to a torn line', async () => {
  const home = temporaryHome()
  const record = runRecord('a')
  const journal = journalOf(runOutcome(record))
  const folder = writeRunFolder(join(home, 'runs'), record, journal.slice(0, 1))
  writeFileSync(join(folder, RUN_FILES.journal), JSON.stringify(journal[1]).slice(0, 99), { flag: 'a' })

  const rebuilt = await rebuildStore(join(home, 'quail.db'), join(home, 'runs'))
  expect(rebuilt.problems).toEqual([])
  const store = await open(join(home, 'quail.db'))
  expect(await getRun(store, 'a')).toMatchObject({ status: 'running', finishedAtMs: null, record })
  expect(await readLayerResults(store, 'a')).toEqual(journal[0]!.results.map((result) => ({ ...result, block: 0 })))
})

test('an adapter that was moved away is listed without size and hash', async () => {
  const home = temporaryHome()
  const record = runRecord('a', { out: join(home, 'moved') })
  const outcome = runOutcome(record)
  writeRunFolder(join(home, 'runs'), record, journalOf(outcome), outcome)
  await rebuildStore(join(home, 'quail.db'), join(home, 'runs'))
  const artifacts = await listArtifacts(await open(join(home, 'quail.db')), 'a')
  expect(artifacts[0]).toEqual({ variant: 'svd-r8', path: join(home, 'moved', 'svd-r8'), bytes: null, sha256: null })
})

test('folders that cannot be read are named, and the others taken', async () => {
  const home = temporaryHome()
  const runs = join(home, 'runs')
  const good = runRecord('good')
  writeRunFolder(runs, good, [], runOutcome(good))
  mkdirSync(join(runs, 'empty'))
  writeFileSync(join(writeRunFolder(runs, runRecord('garbled'), []), RUN_FILES.record), '{"version": 1, "id"')
  writeFileSync(join(writeRunFolder(runs, runRecord('old'), []), RUN_FILES.record), '{"version": 0}')
  writeFileSync(join(writeRunFolder(runs, runRecord('odd'), []), RUN_FILES.outcome), '{"version":1,"status":"lost"}')
  mkdirSync(join(runs, 'copied'))
  writeFileSync(join(runs, 'copied', RUN_FILES.record), JSON.stringify(good))
  writeFileSync(join(runs, 'notes.txt'), 'not a run')

  const rebuilt = await rebuildStore(join(home, 'quail.db'), runs)
  expect(rebuilt.runs).toBe(1)
  expect(rebuilt.problems.map(({ path }) => path)).toEqual(
    ['copied', 'empty', 'garbled', 'odd', 'old'].map((name) => join(runs, name))
  )
  const [copied, empty, garbled, odd, old] = rebuilt.problems.map(({ message }) => message)
  expect(copied).toBe(`${join(runs, 'copied')} holds the run "good"`)
  expect(empty).toBe(`${join(runs, 'empty')} holds no run.json`)
  expect(garbled).toContain(join(runs, 'garbled', RUN_FILES.record))
  expect(odd).toContain(`${join(runs, 'odd', RUN_FILES.outcome)}: status:`)
  expect(old).toContain(`${join(runs, 'old', RUN_FILES.record)}: version:`)
})

test('calibration sets that runs used come back from their inputs', async () => {
  const home = temporaryHome()
  const file = join(home, 'quail.db')
  const store = await openStore(file)
  const source = { path: '/texts/law.txt', sha256: sha256('law') }
  const texts = ['We the People', 'of the\n"United" States']
  const set = await importSet(store, { name: 'law', policy: 'padded', source, samples: texts })
  await closeStore(store)

  const lines = texts.map(sampleLine).join('')
  const text = { path: 'inputs/law.jsonl', kind: 'samples' as const, bytes: lines.length, sha256: sha256(lines) }
  const { recipe } = runRecord('a')
  const record = runRecord('a', {
    recipe: { ...recipe, policy: 'padded', calibration: { set: 'law', rows: 64 } },
    calibration: [{ name: 'law', ...text }]
  })
  const folder = writeRunFolder(join(home, 'runs'), record, [])
  mkdirSync(join(folder, RUN_FILES.inputs))
  writeFileSync(join(folder, text.path), lines)

  const rebuilt = await rebuildStore(file, join(home, 'runs'))
  expect(rebuilt).toMatchObject({ calibrationSets: 1, problems: [] })
  const again = await open(file)
  expect((await readSamples(again, 'law')).map((sample) => sample.text)).toEqual(texts)
  expect(await getSet(again, 'law')).toMatchObject({
    policy: 'padded',
    contentSha256: set.contentSha256,
    hints: { restoredFromRun: 'a', kind: 'text' }
  })
})

test('a set whose inputs are damaged is named, and its run taken', async () => {
  const home = temporaryHome()
  const text = { name: 'law', path: 'inputs/law.jsonl', kind: 'samples' as const, bytes: 3, sha256: sha256('x') }
  const { recipe } = runRecord('a')
  const record = runRecord('a', { recipe: { ...recipe, calibration: { set: 'law', rows: 1 } }, calibration: [text] })
  const folder = writeRunFolder(join(home, 'runs'), record, [])
  mkdirSync(join(folder, RUN_FILES.inputs))
  writeFileSync(join(folder, text.path), '{"text":"good"}\n[1]\n')
  const rebuilt = await rebuildStore(join(home, 'quail.db'), join(home, 'runs'))
  expect(rebuilt).toMatchObject({ runs: 1, calibrationSets: 0 })
  expect(rebuilt.problems).toEqual([
    {
      path: join(folder, text.path),
      message: `${join(folder, text.path)}: line 2 is not an object with a string "text"`
    }
  ])
  expect(await listSets(await open(join(home, 'quail.db')))).toEqual([])
})

test('nothing happens while another connection has the old database open', async () => {
  const home = temporaryHome()
  const file = join(home, 'quail.db')
  const store = await open(file)
  await completeRun(store, home, 'a')
  await expect(rebuildStore(file, join(home, 'runs'))).rejects.toMatchObject({
    code: 'LOCKED',
    message: `${file} is open in another process of Quail; close it and try again`
  })
  expect(await listRuns(store)).toHaveLength(1)
  expect(readdirSync(home).filter((name) => name.includes('rebuil'))).toEqual([])
})
