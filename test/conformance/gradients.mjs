// Writes Quail's gradients of the blocks of every checkpoint in a folder into another: node gradients.mjs FAMILIES OUT
import { resolve } from 'node:path'
import { runnerImport } from 'vite'

const file = resolve(import.meta.dirname, 'gradients.ts')
const { writeGradients } = (await runnerImport(file, { configFile: false, logLevel: 'error' })).module
const [families, out] = process.argv.slice(2)
process.stdout.write(`${JSON.stringify(await writeGradients(families, out))}\n`)
