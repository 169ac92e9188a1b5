// Tells Python what Quail renders: a line in is a request of rendering.ts, a line out its answer, both in JSON.
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { runnerImport } from 'vite'

const rendering = resolve(import.meta.dirname, 'rendering.ts')
const { module } = await runnerImport(rendering, { configFile: false, logLevel: 'error' })

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await module.answer(JSON.parse(line)))}\n`)
}
