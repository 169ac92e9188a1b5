import { statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { deleteSet, getSet, importSet } from '../../../src/store/calibrationSets'
import { giveBackSpace } from '../../../src/store/space'
import { sha256, temporaryHome, temporaryStore } from '../../helpers/stores'

test('the space of deleted sets goes back to the disk, and what is left is whole', async () => {
  const home = temporaryHome()
  const store = await temporaryStore(home)
  const source = { path: '/texts/law.txt', sha256: sha256('law') }
  await importSet(store, {
    name: 'large',
    source,
    samples: Array.from({ length: 100 }, (_, i) => `${i}`.repeat(80_000))
  })
  const kept = await importSet(store, { name: 'small', source, samples: ['words'] })
  await giveBackSpace(store)
  const bytes = () => ['quail.db', 'quail.db-wal'].reduce((sum, name) => sum + statSync(join(home, name)).size, 0)
  const before = bytes()
  await deleteSet(store, 'large')
  await giveBackSpace(store)
  expect(before).toBeGreaterThan(10_000_000)
  expect(bytes()).toBeLessThan(1_000_000)
  expect(await getSet(store, 'small')).toEqual(kept)
})
