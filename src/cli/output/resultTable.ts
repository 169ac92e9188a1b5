import { headlineOf } from '../../shared/headline'
import { meanLossRemoved, quantizedPerplexity } from '../../shared/proof'
import { type FinishedEvent, gapClosed, type Perplexities, type VariantResult } from '../../shared/runEvents'
import { formatNumber, formatShare } from './numbers'
import { type Column, renderTable } from './table'

type Results = Pick<FinishedEvent, 'perplexity' | 'variants'>

/** What stands in the two columns of an evaluation text: a perplexity, and what is said of the gap. */
type Cells = (measured: Perplexities) => readonly [perplexity: number, gap: string]

/**
 * The table that a run ends with: full precision, then each quantizer with its variants; per evaluation text the
 * perplexity and the share of the quantizer's gap that is closed, and the mean share of the calibrated loss that the
 * adapter removes.
 */
export function resultTable(results: Results): string[] {
  const files = Object.entries(results.perplexity)
  const row = (name: string, cells: Cells, removed?: number): string[] => [
    name,
    ...files.flatMap(([, measured]) => {
      const [value, gap] = cells(measured)
      return [formatNumber(value), gap]
    }),
    removed === undefined ? '' : formatShare(removed)
  ]
  const groups = byQuantizer(results)
  const rows = groups.flatMap(([key, variants]) => [
    ...(files.length === 0
      ? []
      : [
          row(groups.length === 1 ? 'quantized' : `quantized ${key}`, (measured) => [
            quantizedPerplexity(measured, key),
            ''
          ])
        ]),
    ...variants.map(({ name, layers }) =>
      row(name, (measured) => variantCells(measured, name, key), meanLossRemoved(layers))
    )
  ])
  const first = files.length === 0 ? [] : [row('full precision', ({ fullPrecision }) => [fullPrecision, ''])]
  return renderTable(columnsOf(files.map(([file]) => file)), [...first, ...rows])
}

function variantCells(measured: Perplexities, name: string, quantizer: string): readonly [number, string] {
  const value = measured.variants[name] ?? Number.NaN
  const share = gapClosed(measured.fullPrecision, quantizedPerplexity(measured, quantizer), value)
  return [value, share === undefined ? 'no gap' : formatShare(share)]
}

/** Variants in the order of the recipe under their quantizers, those in the order of the headline. */
function byQuantizer(results: Results): [key: string, variants: VariantResult[]][] {
  const order = headlineOf(results)?.results.map(({ quantizer }) => quantizer) ?? []
  const keys = new Set([...order, ...results.variants.map(({ quantizer }) => quantizer)])
  return [...keys].map((key) => [key, results.variants.filter(({ quantizer }) => quantizer === key)])
}

const columnsOf = (files: readonly string[]): Column[] => [
  { title: '' },
  ...files.flatMap((file): Column[] => [
    { title: file, align: 'right' },
    { title: 'gap closed', align: 'right' }
  ]),
  { title: 'loss removed', align: 'right' }
]
