import { batchRows } from '../models/batchRows'
import { isDecidedLate, type PreparedRun, type PreparedVariant } from './preparedRun'

/**
 * Rows of one text that are evaluated together, if they are no more than so many tokens. Only linears that look at a whole
 * batch (int8) can tell: they see what they see in transformers' Trainer, whose default is batches of eight.
 */
const EVALUATION_ROWS = 8

/** Rows [begin, end) that are computed together. */
export type RowRange = readonly [begin: number, end: number]

export interface StreamShape {
  readonly rows: number
  readonly stream: string
  readonly ranges: readonly RowRange[]
}

/** Names and sizes of a run's streams: one place for the plan and the run. */
export function streamShapes(prepared: PreparedRun): StreamShape[] {
  const { calibration, evaluation, recipe } = prepared
  const largest = batchRows(recipe.context)
  const texts = evaluation.map((text) => text.rows.rows)
  const rows = texts.reduce((sum, count) => sum + count, 0)
  const ranges = rangesOf(texts, Math.min(EVALUATION_ROWS, largest))
  const subjects =
    rows === 0
      ? []
      : [
          'evaluation.full',
          ...[...prepared.quantizers.keys()].map((key) => `evaluation.quantizer.${key}`),
          ...prepared.variants.filter(changesOutputs).map(({ name }) => `evaluation.variant.${name}`)
        ]
  return [
    { stream: 'calibration', rows: calibration.rows, ranges: rangesOf([calibration.rows], largest) },
    ...subjects.map((stream) => ({ stream, rows, ranges }))
  ]
}

/** Cuts the rows of each text into batches of `size`; the rest of a text is a smaller one. */
function rangesOf(texts: readonly number[], size: number): RowRange[] {
  const ranges: RowRange[] = []
  let first = 0
  for (const count of texts) {
    for (let row = 0; row < count; row += size) ranges.push([first + row, first + Math.min(row + size, count)])
    first += count
  }
  return ranges
}

const changesOutputs = (variant: PreparedVariant): boolean => variant.method.neutral !== true || isDecidedLate(variant)

/** Bytes of a stream's hidden states, float32 [rows · context, width]. */
export const hiddenBytes = ({ rows, context, width }: { rows: number; context: number; width: number }): number =>
  4 * rows * context * width
