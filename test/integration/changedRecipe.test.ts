import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Recipe } from '../../src/shared/recipe'
import { finishedOf, makeRun, runToEnd, type TestRun } from '../helpers/runs'

const given = { method: 'quailora', rank: 4, alpha: 16 }

/** What the one adapter of a run says and holds. */
function adapterOf({ record }: TestRun, name: string) {
  const digest = (one: string) =>
    createHash('sha256')
      .update(readFileSync(join(record.out, name, one)))
      .digest('hex')
  return { config: digest('adapter_config.json'), weights: digest('adapter_model.safetensors') }
}

/** The run once it is completed, and the name of its variant. */
async function completed(run: TestRun) {
  const { status, variants, perplexity } = finishedOf(await runToEnd(run))
  expect(status).toBe('completed')
  return { ...adapterOf(run, variants[0]?.name as string), perplexity }
}

it.each<[string, Record<string, unknown>]>([
  ['alpha', { variants: [{ ...given, alpha: 32 }] }],
  ['rslora', { variants: [{ ...given, rslora: true }] }],
  ['alternations', { variants: [{ ...given, iterations: 1 }] }],
  ['targets', { variants: [{ ...given, targets: ['q_proj', 'down_proj'] }] }],
  ['quantization', { variants: [{ ...given, quantizer: { format: 'nf4', doubleQuantization: false } }] }],
  ['dtype of factors', { factorDtype: 'bfloat16' }]
])('a run whose recipe was changed in its folder goes on with no block of the other: %s', async (_, changes) => {
  const run = makeRun({ variants: [given] })
  await runToEnd(run, (event) => event.type === 'blockFinished' && event.block === 1)
  const recipe = Recipe.parse({ ...run.record.recipe, ...changes })
  const changed = { ...run, record: { ...run.record, recipe } }
  expect(await completed(changed)).toEqual(await completed(makeRun({ variants: [given], ...changes })))
})
