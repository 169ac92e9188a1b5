// Tells Python what Quail's tokenizer makes of texts. A line in is JSON: {"directory", "texts", "special"}; a line out is
// JSON: {"ids", "rebuilt"} with the ids of each text and the class that transformers would build instead, or {"refused"} with the sentence that refuses the tokenizer.
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { runnerImport } from 'vite'

const file = resolve(import.meta.dirname, '../../src/engine/calibration/tokenizer.ts')
const { ModelTokenizer } = (await runnerImport(file, { configFile: false, logLevel: 'error' })).module

async function answer({ directory, texts, special }) {
  try {
    const tokenizer = await ModelTokenizer.open(directory)
    const ids = []
    for (const text of texts) ids.push([...(await tokenizer.encode(text, { specialTokens: special }))])
    return { ids, rebuilt: tokenizer.facts.rebuilt?.className }
  } catch (error) {
    if (error.code !== 'BAD_INPUT' && error.code !== 'BAD_FORMAT') throw error
    return { refused: error.message }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`)
}
