// `npm run fuzz`: gives the readers of untrusted files mutated inputs for some minutes, shared among all targets.
import { parseArgs } from 'node:util'
import { runVitest } from './vitestRun.mjs'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' }, target: { type: 'string' } }
})
const minutes = Number(values.minutes)
const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed)
if (!(minutes > 0) || !Number.isInteger(seed)) {
  console.error('usage: npm run fuzz -- [--minutes N] [--seed N] [--target NAME]; minutes above 0, a whole seed')
  process.exit(2)
}

console.log(`fuzzing for ${minutes} minutes, seed ${seed}`)
process.env.QUAIL_FUZZ_MINUTES = String(minutes)
process.env.QUAIL_FUZZ_SEED = String(seed)
process.env.QUAIL_FUZZ_TARGET = values.target ?? ''
runVitest(['test/fuzz'])
