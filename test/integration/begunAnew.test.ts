import { expect, it } from 'vitest'
import { Recipe } from '../../src/shared/recipe'
import { sampleText } from '../helpers/paths'
import { adapterDigests, finishedOf, makeRun, runToEnd, type TestRun } from '../helpers/runs'

/*
 * What an earlier start left, in the run's folder or where its adapters go, is nothing that a run that begins anew goes on with.
 */

/** The same run, with a recipe that somebody changed in its folder. */
const changed = (run: TestRun, changes: Partial<Record<keyof Recipe, unknown>>): TestRun => ({
  ...run,
  record: { ...run.record, recipe: Recipe.parse({ ...run.record.recipe, ...changes }) }
})

/** What a run writes beside the weights of its adapters, and in them. */
async function adapters(run: TestRun) {
  const { status, variants } = finishedOf(await runToEnd(run))
  expect(status).toBe('completed')
  return adapterDigests(
    run,
    variants.map(({ name }) => name)
  )
}

it.each<[string, Record<string, unknown>]>([
  // Without a correction, factors are the same under every alpha.
  [
    'alpha',
    {
      variants: [
        { method: 'zero', rank: 4, alpha: 32 },
        { method: 'svd', rank: 4 }
      ]
    }
  ],
  ['rows that perplexity is measured on', { evaluation: { files: [sampleText('moby-evaluation.txt')], rows: 6 } }]
])('an adapter that was written before the recipe was changed says what it says now: %s', async (_, changes) => {
  const given = {
    variants: [
      { method: 'zero', rank: 4 },
      { method: 'svd', rank: 4 }
    ]
  }
  const run = makeRun(given)
  await runToEnd(run, (event) => event.type === 'phaseProgress' && event.phase === 'exporting')
  expect(await adapters(changed(run, changes))).toEqual(await adapters(makeRun({ ...given, ...changes })))
})

const enough = (rows: number, tolerance: number) => ({
  evaluation: undefined,
  context: 32,
  variants: [{ method: 'svd', rank: 4 }],
  calibration: { files: [sampleText('moby-evaluation.txt')], rows, enough: tolerance }
})

/** Stops a run behind its first block. */
const begin = (run: TestRun) => runToEnd(run, (event) => event.type === 'blockFinished')

/** How many rows a run found to be enough, as it says when it begins to work. */
const rowsOf = (events: Awaited<ReturnType<typeof runToEnd>>) =>
  events.find((event) => event.type === 'planned')?.enoughRows

it('rows that were enough before the recipe was changed are found anew', async () => {
  const run = makeRun(enough(128, 1))
  await begin(run)
  const { most, tolerance } = rowsOf(await runToEnd(changed(run, enough(64, 0.001)))) ?? {}
  expect([most, tolerance]).toEqual([64, 0.001])
})
