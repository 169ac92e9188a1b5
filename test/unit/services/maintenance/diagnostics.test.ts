import { mkdirSync, writeFileSync } from 'node:fs'
import { homedir, hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { diagnosticsText } from '../../../../src/services/maintenance/diagnostics'
import { changePreferences } from '../../../../src/services/preferences'
import { completeRun, temporaryServices } from '../../../helpers/bundles'

test('diagnostics tell of versions, database, storage and errors, and not whose machine it is', async () => {
  const services = await temporaryServices()
  await completeRun(services, 'failed')
  const secret = join(homedir(), 'secret models', 'llama')
  await changePreferences(services.store, { threads: 3, modelFolders: [secret] })
  const error = { code: 'IO', message: `${secret}/config.json: permission denied for ${userInfo().username}` }
  await services.store
    .updateTable('runs')
    .set({ status: 'failed', error_json: JSON.stringify(error) })
    .execute()
  mkdirSync(join(services.home, 'logs'))
  writeFileSync(
    join(services.home, 'logs', 'quail.log'),
    `Error\n    at x (${services.home}/out/main/cli.js:1:2) on ${hostname()}\n`
  )

  const text = await diagnosticsText(services, { electron: '45.0.0' })
  for (const part of [
    'quail 0.1.0',
    'electron 45.0.0',
    'threads 3',
    'quick_check ok',
    'runs 1',
    'failed IO: <home>/secret models/llama/config.json: permission denied'
  ]) {
    expect(text).toContain(part.replace('<home>/secret models/', '…/'))
  }
  expect(text).toContain('<quail home>/out/main/cli.js:1:2')
  for (const personal of [homedir(), services.home, 'secret models', '/tmp/']) expect(text).not.toContain(personal)
  expect(text).not.toMatch(new RegExp(`\\b(${userInfo().username}|${hostname()})\\b`))
})
