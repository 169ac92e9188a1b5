// Tells Python what Quail's reader makes of configs. A line in is JSON: {"config", "contexts"}; a line out is JSON: the
// settings, for each context the different rotations that its layers name, and the tokens that stand for images; or the sentence that refuses the config.
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { runnerImport } from 'vite'

const models = resolve(import.meta.dirname, '../../src/engine/models')
const load = async (name) =>
  (await runnerImport(resolve(models, name), { configFile: false, logLevel: 'error' })).module
const { readArchitecture, readModelSettings } = await load('registry.ts')
const { rotationOf } = await load('rope.ts')

function answer({ config, contexts = [] }) {
  try {
    const settings = readModelSettings(config, 'config.json')
    const { placeholders = new Map() } = readArchitecture(config, 'config.json') // refuses more than the settings do
    const ropes = [...new Set((settings.layers ?? []).map(({ rope }) => rope))].filter((rope) => rope !== null)
    const layers = settings.layers?.map(({ window, chunk, rope }) => ({
      window,
      chunk,
      rope: rope && ropes.indexOf(rope)
    }))
    const rotations = contexts.map((context) =>
      ropes.map((rope) => {
        const { frequencies, magnitude } = rotationOf(rope, context)
        return { frequencies: [...frequencies], magnitude }
      })
    )
    return { settings: { ...settings, layers }, rotations, placeholders: [...placeholders.keys()] }
  } catch (error) {
    if (error.code !== 'BAD_INPUT') throw error
    return { refused: error.message }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(answer(JSON.parse(line)))}\n`)
}
