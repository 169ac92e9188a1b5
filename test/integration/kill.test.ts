import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { seededRandom } from '../../src/engine/numerics/random'
import { type Ended, type Started, Workplace } from '../helpers/commandLine'
import { narrowModel } from '../helpers/narrowModel'
import { sampleText } from '../helpers/paths'

/** In `npm test`; `npm run kill -- 200` takes another number. */
const KILLS = Number(process.env.QUAIL_KILLS ?? 20)
/** A kill with what is looked at behind it takes seconds on a busy machine. */
const TIMEOUT_MS = 120_000 + 60_000 * KILLS
/** Hundreds take an hour: whoever asked for them hears how far they are. */
const TELLS = process.env.QUAIL_KILLS !== undefined
const variants = ['svd-r4', 'quailora-r4', 'exact-r4-refined']

function writeRecipe(work: Workplace): void {
  const text = sampleText('moby-evaluation.txt')
  const recipe = {
    version: 1,
    model: narrowModel,
    calibration: { files: [text], rows: 16 },
    evaluation: { files: [text], rows: 4 },
    context: 64,
    variants: [
      { method: 'svd', rank: 4 },
      { method: 'quailora', rank: 4 },
      { method: 'exact', rank: 4, refine: { steps: 5, batch: 2 } }
    ]
  }
  writeFileSync(work.path('recipe.json'), JSON.stringify(recipe))
}

const digest = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')

/** Every file of every adapter of a run. */
const digests = (out: string): Record<string, string> =>
  Object.fromEntries(
    variants.flatMap((variant) =>
      readdirSync(join(out, variant)).map((file) => [`${variant}/${file}`, digest(join(out, variant, file))])
    )
  )

/** An adapter directory is there with all its files, or not at all. */
function expectWholeAdapters(out: string): void {
  for (const name of existsSync(out) ? readdirSync(out) : []) {
    if (name.startsWith('.')) continue // what the killed process was writing, under a temporary name
    expect(readdirSync(join(out, name)).sort()).toEqual([
      'README.md',
      'adapter_config.json',
      'adapter_model.safetensors',
      'quail.json'
    ])
  }
}

/** What it said is the message of the failure. */
const expectSuccess = ({ code, stderr }: Ended): void => expect(code, stderr).toBe(0)

it('gives identical bytes after SIGKILL at random moments', { timeout: TIMEOUT_MS }, async () => {
  const work = new Workplace()
  writeRecipe(work)
  const run = (out: string): Started => work.start('run', 'recipe.json', '--out', out)
  const started = performance.now()
  expectSuccess(await run('whole').ended)
  const wholeMs = performance.now() - started
  const expected = digests(work.path('whole'))

  // The moments are random over the length of a run, from its first millisecond on; progress between kills is kept.
  const random = seededRandom('kill moments')
  let completed = 0
  let id: string | undefined
  for (let kills = 0; kills < KILLS; ) {
    const out = `parts-${completed}`
    // Every other run calibrates; the others read what an earlier one kept.
    if (id === undefined && completed % 2 === 0) await work.quail('moments', 'clear')
    const process = id === undefined ? run(out) : work.start('resume', id)
    const ended = await Promise.race([process.ended, sleep(random() * 0.7 * wholeMs)])
    if (ended !== undefined) expectSuccess(ended)
    else {
      process.child.kill('SIGKILL')
      await process.ended
      kills++
      if (TELLS) console.log(`${kills} of ${KILLS} kills, ${completed} runs completed with the same bytes`)
      expectWholeAdapters(work.path(out))
    }
    const [latest] = await work.json<{ id: string; out: string; status: string }[]>('runs', 'list', '--json')
    if (latest?.out !== work.path(out)) continue // killed before the run was made
    expect(['interrupted', 'completed']).toContain(latest.status)
    id = latest.status === 'completed' ? undefined : latest.id
    if (id !== undefined) continue
    expect(digests(work.path(out))).toEqual(expected)
    completed++
  }
  if (id !== undefined) {
    expectSuccess(await work.quail('resume', id))
    expect(digests(work.path(`parts-${completed}`))).toEqual(expected)
    completed++
  }
  expect(completed).toBeGreaterThan(0)
})
