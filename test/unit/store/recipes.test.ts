import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { readRunSettings } from '../../../src/store/comparison'
import { canonicalJson, listRecipes } from '../../../src/store/recipes'
import { getRun } from '../../../src/store/runQueries'
import { insertRun } from '../../../src/store/runs'
import { runRecord, temporaryStore } from '../../helpers/stores'

test('a recipe of a version that did not ask which positions count says that all do, wherever it is read', async () => {
  const store = await temporaryStore()
  await insertRun(store, runRecord('a'))
  const { lossOn, calibrateOn, firstToken, ...before } = runRecord('a').recipe
  await sql`update recipes set recipe_json = ${canonicalJson(before)}`.execute(store)
  const expected = { ...before, lossOn: 'all', calibrateOn: 'all', firstToken: 'include' }
  expect((await listRecipes(store)).map(({ recipe }) => recipe)).toEqual([expected])
  expect((await getRun(store, 'a')).record.recipe).toEqual(expected)
  expect((await readRunSettings(store, ['a'])).get('a')?.recipe).toEqual(expected)
})
