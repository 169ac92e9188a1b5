import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { listArtifacts, saveArtifact } from '../../../src/store/artifacts'
import { inTransaction } from '../../../src/store/database'
import { readLayerResults, saveLayerResults } from '../../../src/store/layerResults'
import { listModels, rememberModel } from '../../../src/store/models'
import { createProject, DEFAULT_PROJECT, getProject, listProjects } from '../../../src/store/projects'
import { canonicalJson, listRecipes, recipeHash } from '../../../src/store/recipes'
import { appendEvents, readEvents } from '../../../src/store/runEvents'
import { getRun, listRuns, type RunSummary, readVariantResults } from '../../../src/store/runQueries'
import { deleteRun, finishRun, insertRun, resumeRun } from '../../../src/store/runs'
import type { Store } from '../../../src/store/schema'
import { eventsOf, layerResult, runOutcome, runRecord, sha256, temporaryStore } from '../../helpers/stores'

const weights = { bytes: 1000, sha256: sha256('weights') }

/** A run from its start to its end, as a service stores it. */
async function storeWholeRun(store: Store, id: string): Promise<void> {
  const record = runRecord(id)
  const outcome = runOutcome(record)
  await insertRun(store, record)
  await appendEvents(store, id, eventsOf(record, outcome, weights))
  await finishRun(store, id, outcome)
}

const TABLES_OF_A_RUN = ['runs', 'run_events', 'layer_results', 'artifacts']
const counts = (store: Store) =>
  Promise.all(
    TABLES_OF_A_RUN.map(
      async (table) =>
        (await sql<{ n: number }>`select count(*) as n from ${sql.table(table)}`.execute(store)).rows[0]!.n
    )
  )

describe('a run', () => {
  test('is running, with its planned variants, once it is stored', async () => {
    const store = await temporaryStore()
    const record = runRecord('a')
    await insertRun(store, record)
    const expected: RunSummary = {
      id: 'a',
      project: DEFAULT_PROJECT,
      name: 'law',
      status: 'running',
      attempt: 1,
      createdAtMs: record.createdAtMs,
      finishedAtMs: null,
      model: '/models/small',
      out: '/out/a',
      variants: [
        { name: 'svd-r8', method: 'svd', rank: 8, quantizer: 'nf4-b64-dq', adapter: null },
        { name: 'quailora-r8', method: 'quailora', rank: 8, quantizer: 'nf4-b64-dq', adapter: null }
      ],
      perplexity: {},
      error: null,
      notes: '',
      tags: [],
      queuePosition: null
    }
    expect(await listRuns(store)).toEqual([expected])
    expect(await getRun(store, 'a')).toEqual({ ...expected, record })
    expect(await readVariantResults(store, 'a')).toEqual([])
  })

  test('keeps its outcome with every digit of every layer', async () => {
    const store = await temporaryStore()
    const record = runRecord('a')
    const outcome = runOutcome(record)
    await insertRun(store, record)
    await finishRun(store, 'a', outcome)
    const run = await getRun(store, 'a')
    expect(run.status).toBe('completed')
    expect(run.finishedAtMs).toBe(outcome.finishedAtMs)
    expect(run.perplexity).toEqual(outcome.perplexity)
    expect(run.variants.map(({ adapter }) => adapter)).toEqual(['/out/a/svd-r8', '/out/a/quailora-r8'])
    expect(await readVariantResults(store, 'a')).toEqual(outcome.variants)
  })

  test('that failed tells why, and forgets it when it is resumed', async () => {
    const store = await temporaryStore()
    await insertRun(store, runRecord('a'))
    const error = { code: 'IO', message: 'spool: the disk is full' }
    await finishRun(store, 'a', {
      version: 1,
      status: 'failed',
      finishedAtMs: 5,
      perplexity: {},
      variants: [],
      error
    })
    expect(await getRun(store, 'a')).toMatchObject({ status: 'failed', finishedAtMs: 5, error })
    expect(await resumeRun(store, 'a')).toBe(2)
    expect(await getRun(store, 'a')).toMatchObject({ status: 'running', attempt: 2, finishedAtMs: null, error: null })
  })

  test('cannot be stored twice', async () => {
    const store = await temporaryStore()
    await insertRun(store, runRecord('a'))
    await expect(insertRun(store, runRecord('a'))).rejects.toThrow('UNIQUE constraint failed: runs.id')
    expect(await listRuns(store)).toHaveLength(1)
  })

  test('that is unknown is refused in a sentence by every function', async () => {
    const store = await temporaryStore()
    const message = 'there is no run "x"; those that exist are shown by `quail runs list` and the window\'s page Runs'
    const refused = { code: 'BAD_INPUT', message }
    await expect(getRun(store, 'x')).rejects.toMatchObject(refused)
    await expect(deleteRun(store, 'x')).rejects.toMatchObject(refused)
    await expect(resumeRun(store, 'x')).rejects.toMatchObject(refused)
    await expect(finishRun(store, 'x', runOutcome(runRecord('x')))).rejects.toMatchObject(refused)
    await expect(readVariantResults(store, 'x')).rejects.toMatchObject(refused)
  })

  test('takes its events, layers and artifacts along when it is deleted, and no one else’s', async () => {
    const store = await temporaryStore()
    await storeWholeRun(store, 'a')
    const one = await counts(store)
    await storeWholeRun(store, 'b')
    await deleteRun(store, 'a')
    expect(one.every((n) => n > 0)).toBe(true)
    expect(await counts(store)).toEqual(one)
    expect((await listRuns(store)).map(({ id }) => id)).toEqual(['b'])
  })
})

describe('the list of runs', () => {
  test('of a thousand runs comes newest first, whole or in pages', async () => {
    const store = await temporaryStore()
    // Runs of one moment are told apart by their ids.
    const ids = Array.from({ length: 1000 }, (_, i) => `run-${String(i).padStart(4, '0')}`)
    await inTransaction(store, async (trx) => {
      for (const [i, id] of ids.entries()) await insertRun(trx, runRecord(id, { createdAtMs: Math.floor(i / 3) }))
    })
    expect((await listRuns(store)).map(({ id }) => id)).toEqual(ids.toReversed())
    const paged: string[] = []
    for (let before: RunSummary | undefined; ; ) {
      const page = await listRuns(store, { limit: 128, ...(before && { before }) })
      if (page.length === 0) break
      paged.push(...page.map(({ id }) => id))
      before = page.at(-1)
    }
    expect(paged).toEqual(ids.toReversed())
  })

  test('of a project holds its runs alone', async () => {
    const store = await temporaryStore()
    const project = await createProject(store, 'law')
    await insertRun(store, runRecord('a'))
    await insertRun(store, runRecord('b'), { project })
    expect((await listRuns(store, { project })).map(({ id }) => id)).toEqual(['b'])
    expect((await listRuns(store)).map(({ id }) => id)).toEqual(['b', 'a'])
  })
})

describe('recipes', () => {
  test('are kept once, whatever the order of their keys', async () => {
    const store = await temporaryStore()
    const record = runRecord('a')
    await insertRun(store, record)
    const turned = Object.fromEntries(Object.entries(record.recipe).reverse()) as typeof record.recipe
    await insertRun(store, runRecord('b', { recipe: turned }))
    await insertRun(store, runRecord('c', { recipe: { ...record.recipe, seed: 1 } }))
    expect((await listRecipes(store)).map(({ sha256: hash }) => hash).sort()).toEqual(
      [recipeHash(record.recipe), recipeHash({ ...record.recipe, seed: 1 })].sort()
    )
    expect((await getRun(store, 'b')).record.recipe).toEqual(record.recipe)
  })

  test('hash the SHA-256 of their canonical JSON', () => {
    expect(canonicalJson({ b: [{ d: 1, c: undefined }], a: 'é', B: null })).toBe('{"B":null,"a":"é","b":[{"d":1}]}')
    const { recipe } = runRecord('a')
    expect(recipeHash(recipe)).toBe(sha256(canonicalJson(recipe)))
  })
})

describe('models', () => {
  test('collect what is learnt of them and when they were used last', async () => {
    const store = await temporaryStore()
    await rememberModel(store, '/models/b', { family: 'llama' }, 2000)
    await rememberModel(store, '/models/a', {}, 3000)
    await rememberModel(store, '/models/b', { parameters: 135_000_000, configSha256: sha256('config') }, 1000)
    expect(await listModels(store)).toEqual([
      {
        directory: '/models/a',
        family: null,
        parameters: null,
        configSha256: null,
        lastUsedAtMs: 3000,
        addedAtMs: null
      },
      {
        directory: '/models/b',
        family: 'llama',
        parameters: 135_000_000,
        configSha256: sha256('config'),
        lastUsedAtMs: 2000,
        addedAtMs: null
      }
    ])
  })

  test('in use by a run cannot be removed under it', async () => {
    const store = await temporaryStore()
    await insertRun(store, runRecord('a'))
    await expect(store.deleteFrom('models').execute()).rejects.toThrow('FOREIGN KEY constraint failed')
    await expect(store.deleteFrom('recipes').execute()).rejects.toThrow('FOREIGN KEY constraint failed')
  })
})

describe('projects', () => {
  test('start with the default one, which stays', async () => {
    const store = await temporaryStore()
    await insertRun(store, runRecord('a'))
    expect(await listProjects(store)).toMatchObject([{ id: DEFAULT_PROJECT, name: 'Default', runs: 1 }])
  })

  test('need a name of their own', async () => {
    const store = await temporaryStore()
    await createProject(store, 'law')
    await expect(createProject(store, 'law')).rejects.toThrow('already a project named "law"')
    await expect(createProject(store, '')).rejects.toThrow('a project needs a name')
    await expect(getProject(store, 'nobody')).rejects.toThrow('no project with the id "nobody"')
  })
})

describe('layer results and artifacts', () => {
  test('of a block that is done again replace the earlier ones and keep their place', async () => {
    const store = await temporaryStore()
    await insertRun(store, runRecord('a'))
    const at = (block: number, name: string, seed: number) => ({ variant: 'v', block, result: layerResult(name, seed) })
    await saveLayerResults(store, 'a', [at(0, 'q', 1), at(0, 'k', 2), at(1, 'q1', 3)])
    await saveLayerResults(store, 'a', [at(0, 'q', 9)])
    await saveLayerResults(store, 'a', [{ ...at(0, 'k', 8), block: null }])
    const stored = await readLayerResults(store, 'a')
    expect(stored).toEqual([at(0, 'q', 9), at(0, 'k', 8), at(1, 'q1', 3)])
    expect(await readLayerResults(store, 'a', { layers: ['q1', 'q'] })).toEqual([at(0, 'q', 9), at(1, 'q1', 3)])
    expect(await readLayerResults(store, 'a', { variant: 'w' })).toEqual([])
  })

  test('an adapter that is written again has one row', async () => {
    const store = await temporaryStore()
    await insertRun(store, runRecord('a'))
    await saveArtifact(store, 'a', { variant: 'v', path: '/out/v', bytes: 1, sha256: sha256('1') })
    await saveArtifact(store, 'a', { variant: 'v', path: '/out/v', bytes: 2, sha256: sha256('2') })
    expect(await listArtifacts(store, 'a')).toEqual([{ variant: 'v', path: '/out/v', bytes: 2, sha256: sha256('2') }])
  })

  test('appear with the events that tell of them', async () => {
    const store = await temporaryStore()
    const record = runRecord('a')
    const events = eventsOf(record, runOutcome(record), weights)
    await insertRun(store, record)
    await appendEvents(store, 'a', events.slice(0, 4))
    expect((await readLayerResults(store, 'a')).map(({ variant, block }) => [variant, block])).toEqual([
      ['svd-r8', 0],
      ['quailora-r8', 0],
      ['svd-r8', 0],
      ['quailora-r8', 0],
      ['svd-r8', 1],
      ['quailora-r8', 1]
    ])
    await appendEvents(store, 'a', events.slice(4))
    expect(await listArtifacts(store, 'a')).toEqual([
      { variant: 'svd-r8', path: '/out/a/svd-r8', ...weights },
      { variant: 'quailora-r8', path: '/out/a/quailora-r8', ...weights }
    ])
    expect((await readEvents(store, 'a')).map(({ event }) => event)).toEqual(events)
  })
})
