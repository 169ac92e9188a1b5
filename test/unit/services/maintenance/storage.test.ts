import { existsSync, mkdirSync, readdirSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { lockRun } from '../../../../src/engine/run/lock'
import { cleanUp, storageReport } from '../../../../src/services/maintenance/storage'
import type { Services } from '../../../../src/services/services'
import { completeRun, temporaryServices } from '../../../helpers/bundles'

const MIB = 2 ** 20

/** A file of a mebibyte times `size`, with its directories. */
function fill(size: number, ...path: string[]): string {
  const file = join(...path)
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, '')
  truncateSync(file, size * MIB)
  return file
}

async function home() {
  const services = await temporaryServices()
  await completeRun(services, 'done')
  await completeRun(services, 'stopped')
  await services.store.updateTable('runs').set({ status: 'cancelled' }).where('id', '=', 'stopped').execute()
  fill(3, services.home, 'runs', 'stopped', 'spool', 'calibration.bin')
  fill(2, services.home, 'quail.db.before-1')
  fill(1, services.home, 'quail.db.before-1-wal')
  fill(5, services.home, 'quail.db.before-12')
  fill(4, services.home, 'adapters', 'imported', 'adapter_model.safetensors')
  return services
}

const titles = async (services: Services) =>
  (await storageReport(services)).cleanups.map(({ id, bytes }) => [id, bytes / MIB])

test('the report says what lies where, and what could go', async () => {
  const services = await home()
  const report = await storageReport(services)
  expect(await titles(services)).toEqual([
    ['spool:stopped', 3],
    ['copy:quail.db.before-1', 3],
    ['copy:quail.db.before-12', 5]
  ])
  expect(report.runs[0]).toMatchObject({ id: 'stopped', status: 'cancelled' })
  expect(report.parts.find(({ name }) => name === 'Adapters')?.bytes).toBe(4 * MIB)
  expect(report.parts.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(report.bytes)
})

test('only what was chosen is removed, and never an adapter or what a run needs', async () => {
  const services = await home()
  const before = readdirSync(services.home, { recursive: true }).map(String).sort()
  expect(await cleanUp(services, ['spool:stopped', 'copy:quail.db.before-1'])).toBe(6 * MIB)
  const after = readdirSync(services.home, { recursive: true }).map(String).sort()
  expect(before.filter((name) => !after.includes(name))).toEqual([
    'quail.db.before-1',
    'quail.db.before-1-wal',
    'runs/stopped/spool',
    'runs/stopped/spool/calibration.bin'
  ])
  expect(await titles(services)).toEqual([['copy:quail.db.before-12', 5]])
})

test('what is not on the list is refused, and then nothing is removed', async () => {
  const services = await home()
  await expect(cleanUp(services, ['copy:quail.db.before-1', 'copy:quail.db'])).rejects.toThrow(
    '"copy:quail.db" is not there'
  )
  await expect(cleanUp(services, ['copy:../../etc'])).rejects.toThrow('is not there')
  expect(existsSync(join(services.home, 'quail.db.before-1'))).toBe(true)
})

test('a run that somebody works on is left alone', async () => {
  const services = await home()
  await services.store
    .updateTable('runs')
    .set({ status: 'running', finished_at_ms: null })
    .where('id', '=', 'stopped')
    .execute()
  const release = await lockRun(join(services.home, 'runs', 'stopped'))
  expect((await titles(services)).map(([id]) => id)).not.toContain('spool:stopped')
  await release()
  expect((await titles(services)).map(([id]) => id)).toContain('spool:stopped')
})

test('unfinished files count only when they are old enough to belong to nobody', async () => {
  const services = await home()
  const file = fill(1, services.home, 'adapters', '.x.99-abcd.tmp', 'adapter_model.safetensors')
  expect((await titles(services)).map(([id]) => id)).not.toContain('leftovers')
  utimesSync(join(file, '..'), new Date(0), new Date(0))
  expect(await titles(services)).toContainEqual(['leftovers', 1])
  await cleanUp(services, ['leftovers'])
  expect(readdirSync(join(services.home, 'adapters'))).toEqual(['imported'])
})
