// `npm run fuzz`: gives the readers of untrusted files mutated inputs, so many or for some minutes, shared among all targets.
import { parseArgs } from 'node:util'
import { runVitest } from './vitestRun.mjs'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    inputs: { type: 'string' },
    seed: { type: 'string' },
    target: { type: 'string' }
  }
})
const inputs = Number(values.inputs ?? 0)
const minutes = Number(values.minutes ?? (inputs > 0 ? 0 : 10))
const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed)
if (!(minutes > 0 || inputs > 0) || !Number.isInteger(seed)) {
  console.error(
    'usage: npm run fuzz -- [--minutes N | --inputs N] [--seed N] [--target NAME]; numbers above 0, a whole seed'
  )
  process.exit(2)
}

console.log(`fuzzing ${inputs > 0 ? `${inputs} inputs` : `for ${minutes} minutes`}, seed ${seed}`)
process.env.QUAIL_FUZZ_MINUTES = String(minutes)
process.env.QUAIL_FUZZ_INPUTS = String(inputs)
process.env.QUAIL_FUZZ_SEED = String(seed)
process.env.QUAIL_FUZZ_TARGET = values.target ?? ''
runVitest(['test/fuzz'])
