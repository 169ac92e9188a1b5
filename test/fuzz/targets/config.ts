import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { inspectPath } from '../../../src/engine/ask/inspect'
import { badInput } from '../../../src/shared/errors'
import type { FuzzTarget } from '../fuzzTarget'
import { mutateText } from '../mutateText'
import { pick } from '../random'
import { fixture, fixtures } from '../sources'

const FAMILIES = 'golden/families'
const SOUND = readdirSync(join(fixtures, FAMILIES), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => ({
    config: fixture(FAMILIES, name, 'config.json').toString(),
    weights: fixture(FAMILIES, name, 'model.safetensors')
  }))

/** config.json of every family: the architecture, the graphs of its blocks, and which tensors they want. */
export const config: FuzzTarget = {
  name: 'config',
  inputs: 1500,
  make: (random) => {
    const { config, weights } = pick(random, SOUND)
    return { 'config.json': mutateText(config, random), 'model.safetensors': weights }
  },
  read: async (directory) => {
    const { problems } = await inspectPath(directory)
    // These checkpoints have no tokenizer, which is a problem of its own.
    const other = problems.find((problem) => !problem.includes('tokenizer.json'))
    if (other !== undefined) throw badInput(other)
  }
}
