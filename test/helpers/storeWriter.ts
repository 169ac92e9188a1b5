import { RunRecord } from '../../src/shared/runFolder'
import { closeStore, openStore } from '../../src/store/database'
import { createProject } from '../../src/store/projects'
import { appendEvents } from '../../src/store/runEvents'
import { insertRun } from '../../src/store/runs'

/*
 * A process of its own that writes to a store, for test/integration/storeProcesses.test.ts:
 *
 *   node storeWriter.js FILE NAME COUNT RECORD
 *
 * It opens the database, stores one run from RECORD (JSON), and appends COUNT events and projects, one transaction each.
 */
async function main([file, name, count, json]: string[]): Promise<void> {
  const record = RunRecord.parse(JSON.parse(json!))
  const store = await openStore(file!)
  await insertRun(store, { ...record, id: name! })
  for (let seq = 0; seq < Number(count); seq++) {
    const stamp = { run: name!, seq, atMs: Date.now() }
    await appendEvents(store, name!, [{ type: 'warning', code: 'TEST', message: `${seq}`, ...stamp }])
    await createProject(store, `${name} ${seq}`)
  }
  await closeStore(store)
}

await main(process.argv.slice(2))
