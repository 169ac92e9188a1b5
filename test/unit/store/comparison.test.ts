import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { listLayers, readCurves, readRunSettings, readVariantTotals, readWorkedMs } from '../../../src/store/comparison'
import { appendEvents } from '../../../src/store/runEvents'
import { finishRun, insertRun, resumeRun } from '../../../src/store/runs'
import { seedRuns } from '../../helpers/seedRuns'
import { eventsOf, runOutcome, runRecord, sha256, temporaryStore } from '../../helpers/stores'

const weights = { bytes: 1000, sha256: sha256('weights') }

async function storeOf(...ids: string[]) {
  const store = await temporaryStore()
  for (const id of ids) {
    const record = runRecord(id)
    await insertRun(store, record)
    await appendEvents(store, id, eventsOf(record, runOutcome(record), weights))
    await finishRun(store, id, runOutcome(record))
  }
  return store
}

describe('sums over the layers', () => {
  test('are those of the outcome, for the runs that were asked for only', async () => {
    const store = await storeOf('a', 'b')
    const totals = await readVariantTotals(store, ['b', 'missing'])
    expect(totals.map(({ run, variant }) => `${run} ${variant}`).sort()).toEqual(['b quailora-r8', 'b svd-r8'])
    for (const { name, layers } of runOutcome(runRecord('b')).variants) {
      const found = totals.find(({ variant }) => variant === name)!
      const sum = (of: (layer: (typeof layers)[number]) => number) => layers.reduce((all, layer) => all + of(layer), 0)
      expect(found.layers).toBe(layers.length)
      expect(found.loss).toBeCloseTo(
        sum(({ loss }) => loss),
        12
      )
      expect(found.lossRank0).toBeCloseTo(
        sum(({ lossRank0 }) => lossRank0),
        12
      )
      expect(found.meanRemoved).toBeCloseTo(sum(({ loss, lossRank0 }) => 1 - loss / lossRank0) / layers.length, 12)
      expect(found.width).toBe(sum(({ shape }) => shape[0] + shape[1]))
    }
  })

  test('of many runs are one question to the database, whose answer is a row for each variant', async () => {
    const store = await temporaryStore()
    const ids = await seedRuns(store, 40)
    let answers = 0
    const counted = store.withPlugin({
      transformQuery: ({ node }) => node,
      transformResult: async ({ result }) => {
        answers++
        return result
      }
    })
    expect(await readVariantTotals(counted as typeof store, ids)).toHaveLength(120)
    expect(answers).toBe(1)
    const { rows } = await sql<{ n: number }>`select count(*) as n from layer_results`.execute(store)
    expect(rows[0]!.n).toBe(120 * 28)
  })
})

test('worked time is the sum of the attempts, not the time in between', async () => {
  const store = await temporaryStore()
  const record = runRecord('a')
  await insertRun(store, record)
  const warning = (seq: number, atMs: number) => ({
    type: 'warning' as const,
    code: 'T',
    message: '',
    run: 'a',
    seq,
    atMs
  })
  await appendEvents(store, 'a', [warning(0, 1000), warning(1, 3000)])
  await resumeRun(store, 'a')
  await appendEvents(store, 'a', [warning(0, 100_000), warning(1, 100_500)])
  expect([...(await readWorkedMs(store, ['a', 'b']))]).toEqual([['a', 2500]])
})

test('settings are those of the record', async () => {
  const store = await storeOf('a')
  const { recipe, calibration, evaluation, quailVersion } = runRecord('a')
  expect([...(await readRunSettings(store, ['a', 'b']))]).toEqual([
    ['a', { recipe, calibration, evaluation, quailVersion }]
  ])
})

describe('curves', () => {
  test('of one linear are its own; summed, they add eigenvalue by eigenvalue', async () => {
    const store = await storeOf('a')
    const layers = await listLayers(store, ['a'])
    const { layers: expected } = runOutcome(runRecord('a')).variants.find(({ name }) => name === 'svd-r8')!
    expect(layers).toEqual(expected.map(({ name }) => name))
    const svd = async (layer: string | null) =>
      (await readCurves(store, 'a', layer)).find(({ variant }) => variant === 'svd-r8')!
    const one = await svd(layers[1]!)
    // SQLite writes numbers in JSON with 15 digits.
    for (const [i, value] of one.eigenvalues.entries()) expect(value).toBeCloseTo(expected[1]!.eigenvalues[i]!, 13)
    expect([one.loss, one.lossRank0]).toEqual([expected[1]!.loss, expected[1]!.lossRank0])
    const all = await svd(null)
    for (const i of [0, 1, 2]) {
      const sum = expected.reduce((total, { eigenvalues }) => total + eigenvalues[i]!, 0)
      expect(all.eigenvalues[i]).toBeCloseTo(sum, 12)
    }
    expect(all.eigenvalues.length).toBe(3)
  })
})
