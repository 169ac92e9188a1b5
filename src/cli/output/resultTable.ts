import { meanLossRemoved } from '../../shared/proof'
import { type FinishedEvent, gapClosed } from '../../shared/runEvents'
import { formatNumber, formatShare } from './numbers'
import { type Column, renderTable } from './table'

type Results = Pick<FinishedEvent, 'perplexity' | 'variants'>

/**
 * The table that a run ends with: full precision, each quantizer, each variant; per evaluation text the perplexity and
 * the share of the gap closed, and the mean share of the calibrated loss that the adapter removes.
 */
export function resultTable({ perplexity, variants }: Results): string[] {
  const files = Object.keys(perplexity)
  const quantizers = quantizerNames({ perplexity, variants })
  const row = (name: string, cells: (file: string) => [number, number | undefined], removed?: number): string[] => [
    name,
    ...files.flatMap((file) => {
      const [value, gap] = cells(file)
      return [formatNumber(value), gap === undefined ? '' : formatShare(gap)]
    }),
    removed === undefined ? '' : formatShare(removed)
  ]
  const of = (file: string) => perplexity[file] as Results['perplexity'][string]
  const rows = [
    ...(files.length === 0 ? [] : [row('full precision', (file) => [of(file).fullPrecision, undefined])]),
    ...quantizers.map((key) =>
      row(quantizers.length === 1 ? 'quantized' : `quantized ${key}`, (file) => [
        of(file).quantizers[key] ?? of(file).quantized,
        undefined
      ])
    ),
    ...variants.map(({ name, quantizer, layers }) =>
      row(
        name,
        (file) => {
          const { fullPrecision, quantized, quantizers: bases, variants: values } = of(file)
          const value = values[name] ?? Number.NaN
          return [value, gapClosed(fullPrecision, bases[quantizer] ?? quantized, value)]
        },
        meanLossRemoved(layers)
      )
    )
  ]
  return renderTable(columnsOf(files), rows)
}

const columnsOf = (files: readonly string[]): Column[] => [
  { title: '' },
  ...files.flatMap((file): Column[] => [
    { title: file, align: 'right' },
    { title: 'gap closed', align: 'right' }
  ]),
  { title: 'loss removed', align: 'right' }
]

const quantizerNames = ({ perplexity, variants }: Results): string[] => {
  const used = [...new Set(variants.map(({ quantizer }) => quantizer))]
  return Object.keys(perplexity).length === 0 ? [] : used.length === 0 ? ['quantized'] : used
}
