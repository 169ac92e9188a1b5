// `npm run kill -- N`: kills a run, its resumptions and its export N times at random moments, and compares what it writes.
import { spawnSync } from 'node:child_process'
import { runVitest } from './vitestRun.mjs'

const kills = Number(process.argv[2] ?? 200)
if (!Number.isInteger(kills) || kills < 1) {
  console.error('usage: npm run kill -- [N]; a whole number of kills above 0')
  process.exit(2)
}
process.env.QUAIL_KILLS = String(kills)
// The built command line is what is killed: that of these sources.
const build = spawnSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' })
if (build.status !== 0) process.exit(build.status ?? 1)
runVitest(['test/integration/kill.test.ts'])
