import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { keptDivergence, type RefinementResult } from '../../src/shared/refinement'
import { RowLosses } from '../../src/shared/runFolder'
import { characterModel } from '../helpers/characterModel'
import { finishedOf, makeRun, runToEnd } from '../helpers/runs'

/*
 * What a refinement measures on its held-out row, against what the evaluation measures on the same one: another pass over
 * the blocks, another graph of the head, another batch.
 */

const ROWS = 12
/** Of twelve rows one is held out, that in the middle. */
const HELD_OUT = 6
/** Sums of float32 values; a start goes through a multiplication with the root of its scaling, which rounds. */
const TOLERANCE = 1e-5

it.each([
  ['opt-350m-like', 'whose states are projected before the final norm and after the embedding'],
  ['gemma2', 'with soft caps in attention and head'],
  ['phi', 'with a bias of the head'],
  ['gpt2', 'with learned positions and a tied head'],
  ['bloom-6-heads', 'with biases of positions']
])('the held-out row of %s, %s, has the divergences that the evaluation measures', async (family) => {
  const { model, text } = characterModel(family)
  const run = makeRun({
    model,
    context: 32,
    calibration: { files: [text], rows: ROWS },
    evaluation: { files: [text], rows: ROWS },
    variants: [{ name: 'v', method: 'svd', rank: 4, refine: { steps: 2, batch: 3, learningRate: 0.003 } }]
  })
  const finished = finishedOf(await runToEnd(run))
  expect([finished.status, finished.error]).toEqual(['completed', undefined])
  const found = finished.variants[0]?.refinement as RefinementResult
  expect([found.rows, found.heldOutRows]).toEqual([ROWS - 1, 1])
  const { texts } = RowLosses.parse(JSON.parse(readFileSync(join(run.folder, 'rows.json'), 'utf8')))
  const { tokens, quantizers, variants } = texts['text.txt'] as (typeof texts)[string]
  const measured = ({ klDivergence }: { klDivergence: number[] }): number =>
    (klDivergence[HELD_OUT] as number) / (tokens[HELD_OUT] as number)
  const quantized = measured(Object.values(quantizers)[0] as { klDivergence: number[] })
  const kept = measured(variants.v as { klDivergence: number[] })
  expect(kept).not.toBe(quantized)
  expect(Math.abs(found.quantized / quantized - 1)).toBeLessThan(TOLERANCE)
  expect(Math.abs(keptDivergence(found) / kept - 1)).toBeLessThan(TOLERANCE)
  expect(keptDivergence(found)).toBeLessThanOrEqual(Math.min(found.quantized, found.curve[0]?.divergence as number))
})
