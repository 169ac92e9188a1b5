import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { BenchOptions, Section } from './section'
import { duration, secondsOf } from './statistics'

const LIMIT_SECONDS = 12

/** Time of `quail demo` as a user sees it, from the built command line. */
export async function measureDemo({ folder }: BenchOptions): Promise<Section> {
  const title = 'The demo'
  if (!existsSync('out/main/cli.js')) {
    const text = ['Not measured: the command line has not been built (`npm run build`).']
    return { title, text, columns: ['command', 'time'], rows: [], verdicts: [] }
  }
  const env = { ...process.env, QUAIL_HOME: join(folder, 'home') }
  const seconds = await secondsOf(async () => {
    const { status, stderr } = spawnSync(process.execPath, [join(process.cwd(), 'bin/quail.js'), 'demo'], {
      cwd: folder,
      env,
      encoding: 'utf8'
    })
    if (status !== 0) throw new Error(`quail demo ended with ${status}: ${stderr}`)
  })
  const time = duration(seconds)
  return {
    title,
    text: ['`quail demo` on the sample model, from the start of the command to its end, after the build.'],
    columns: ['command', 'time'],
    rows: [['node bin/quail.js demo', time]],
    verdicts: [{ what: 'time of the demo', limit: `${LIMIT_SECONDS} s`, measured: time, met: seconds <= LIMIT_SECONDS }]
  }
}
