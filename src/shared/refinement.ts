import { z } from 'zod'

/*
 * Refinement of an adapter against the whole model: Adam on the divergence of the quantized model with the adapter from
 * full precision, over rows of the calibration set, from the factors that the variant's method found. Some rows are held
 * out; the divergence on these decides which state is kept.
 */

/** Behind the name of a variant that nobody named. */
export const REFINED_SUFFIX = '-refined'

export const Refinement = z.strictObject({
  steps: z.int().min(1).max(10_000).default(96).describe('steps of Adam'),
  batch: z.int().min(1).max(1024).default(4).describe('rows of the calibration set in a step'),
  learningRate: z
    .number()
    .positive()
    .max(1)
    .optional()
    .describe(
      'largest step of a factor, as a share of its typical entry; default: found by the first gradient, as docs/numerics.md says'
    )
})
export type Refinement = z.infer<typeof Refinement>

/** `48x4` for steps and rows in a step, with the learning rate behind where one is given: what tells two refinements apart. */
export const refinementKey = ({ steps, batch, learningRate }: Refinement): string =>
  `${steps}x${batch}${learningRate === undefined ? '' : `-${learningRate}`}`

/** The states that the held-out rows are asked about, beside the start. */
export const HELD_OUT_CHECKS = 8

/** What the held-out rows are asked about before any step: the start, and the quantized model without an adapter. */
export const ASKED_AT_START = 2

/** Of so many rows one is held out. */
const ROWS_TO_EACH_HELD_OUT = 8

/** More held-out rows would tell little more, and are asked many times. */
const MOST_HELD_OUT = 64

/** Rows that are held out of a calibration set; 0 where it has too few. */
export const heldOutRows = (rows: number): number =>
  rows < 2 ? 0 : Math.min(MOST_HELD_OUT, Math.max(1, Math.floor(rows / ROWS_TO_EACH_HELD_OUT)))

/** Rows that a step takes of a calibration set of so many: none of those held out, so fewer than a batch where it is small. */
export const rowsOfStep = (batch: number, rows: number): number => Math.min(batch, rows - heldOutRows(rows))

/**
 * Steps after which the held-out rows are asked: ascending, the last is `steps`. With the start and the base alone they are
 * asked of half as many rows as are learned from: a step takes three times what a question takes of a row, so that questions
 * are a seventh of the whole. The last is asked about in any case.
 *
 * @param rows - of the calibration set
 */
export function checkedSteps({ steps, batch }: Pick<Refinement, 'steps' | 'batch'>, rows: number): number[] {
  const affordable = Math.floor((steps * Math.min(batch, rows)) / (2 * Math.max(1, heldOutRows(rows))))
  const checks = Math.max(1, Math.min(HELD_OUT_CHECKS, steps, affordable - ASKED_AT_START))
  return Array.from({ length: checks }, (_, i) => Math.round(((i + 1) * steps) / checks))
}

/** Where a refinement stood after some steps: the divergence on the held-out rows, mean over their tokens, nats. */
export const HeldOutPoint = z.object({
  steps: z.int(),
  divergence: z.number().nullable().describe('null where it is not finite: the learning rate is too large')
})
export type HeldOutPoint = z.infer<typeof HeldOutPoint>

/** What became of a refinement. */
export const RefinementResult = z.object({
  ...Refinement.required().shape,
  rows: z.int().describe('rows of the calibration set that it learned from'),
  heldOutRows: z.int(),
  heldOutTokens: z.int().describe('predicted tokens of the held-out rows'),
  quantized: z.number().describe('divergence on the held-out rows without an adapter'),
  curve: z.array(HeldOutPoint).describe('from the start (0 steps) on'),
  kept: z.union([z.int(), z.literal('zero')]).describe('steps after which the factors were kept; zero: lora_B = 0')
})
export type RefinementResult = z.infer<typeof RefinementResult>

/** The divergence on the held-out rows of what was kept. */
export function keptDivergence({ kept, quantized, curve }: RefinementResult): number {
  if (kept === 'zero') return quantized
  return curve.find(({ steps }) => steps === kept)?.divergence ?? quantized
}

/** The state with the least divergence: the start, unless no adapter or a later state has less; the earliest of equals. */
export function keptOf(quantized: number, curve: readonly HeldOutPoint[]): RefinementResult['kept'] {
  const start = curve[0]?.divergence ?? Number.POSITIVE_INFINITY
  let kept: RefinementResult['kept'] = quantized < start ? 'zero' : 0
  let least = Math.min(quantized, start)
  for (const { steps, divergence } of curve) {
    if (divergence === null || divergence >= least) continue
    kept = steps
    least = divergence
  }
  return kept
}
