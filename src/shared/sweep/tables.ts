import { quantizerLabel } from '../quantizerWords'
import type { SweepDefinition } from '../sweep'
import { treatmentKey } from '../treatment'
import { estimateText, GAP_UNCLEAR } from '../uncertainty'
import { LABEL_BREAK } from '../variantLabels'
import { type SeedEstimate, seedsShare, seedsText } from './estimates'
import type { SweepBase, SweepFigures, SweepResults } from './results'

/** A table of texts; names are on the left, figures on the right. */
export interface SweepTable {
  readonly title: string
  readonly columns: readonly string[]
  /** So many columns, the first ones, hold names. */
  readonly names: number
  readonly rows: readonly (readonly string[])[]
  readonly note?: string
}

const FIGURE_COLUMNS = ['perplexity', 'gap closed', 'KL divergence']

/** Behind the name of a text of the calibration set's own kind. */
export const OWN = '*'
const OWN_NOTE = `${OWN} text of the calibration set's own kind`

/**
 * What a sweep found, as tables: for each evaluation text every variant by rank, after each calibration set; and where there
 * are several sets, for each variant the sets against all evaluation texts.
 */
export function sweepTables({ sets, evaluation }: SweepDefinition, results: SweepResults): SweepTable[] {
  const texts = unique(results.figures.map(({ text }) => text))
  const several = sets.length > 1
  // Texts of one kind are told apart by their own names.
  const labels = texts.map((text, i) => {
    const label = evaluation[i] ?? text
    return evaluation.filter((other) => other === label).length > 1 ? text : label
  })
  return [
    ...texts.map((text) => textTable(text, results, several)),
    ...(several && texts.length > 1 ? variantsOf(results).map((name) => crossTable(name, results, texts, labels)) : [])
  ]
}

function textTable(text: string, { bases, figures }: SweepResults, several: boolean): SweepTable {
  const own = figures.filter((one) => one.text === text)
  const onText = bases.filter((base) => base.text === text)
  const quantizers = unique(onText.map(({ quantizer }) => quantizer))
  const pad = several ? [''] : []
  const first = onText[0]
  return {
    title: text,
    columns: ['variant', ...(several ? ['calibrated on'] : []), ...FIGURE_COLUMNS],
    names: several ? 2 : 1,
    rows: [
      ...(first ? [['full precision', ...pad, estimateText(first.fullPrecision, null), '', '']] : []),
      ...onText.map((base) => [baseName(base, quantizers), ...pad, ...baseCells(base)]),
      ...byRank(own).map((one) => [
        one.variant.name,
        ...(several ? [`${one.set}${one.own ? ` ${OWN}` : ''}`] : []),
        ...cellsOf(one, onText)
      ])
    ],
    ...(several && own.some((one) => one.own) && { note: OWN_NOTE })
  }
}

const baseName = ({ quantizer }: SweepBase, quantizers: readonly string[]): string =>
  quantizers.length > 1 ? `quantized${LABEL_BREAK}${quantizerLabel(quantizer, quantizers)}` : 'quantized'

const baseCells = ({ quantized, klDivergence }: SweepBase): string[] => [
  estimateText(quantized, null),
  '',
  klDivergence === undefined ? '' : estimateText(klDivergence, null, 3)
]

function cellsOf(
  { variant, perplexity, gapClosed, klDivergence }: SweepFigures,
  bases: readonly SweepBase[]
): string[] {
  const base = bases.find(({ quantizer }) => quantizer === variant.quantizer)
  return [seedsText(perplexity), gapCell(gapClosed, base), divergenceCell(klDivergence)]
}

const gapCell = (gap: SeedEstimate | undefined, base: SweepBase | undefined): string =>
  gap === undefined ? (base?.gapUnclear ? GAP_UNCLEAR : 'no gap') : seedsShare(gap)

const divergenceCell = (divergence: SeedEstimate | undefined): string =>
  divergence === undefined ? '' : seedsText(divergence, 3)

/** One variant: a row for each calibration set, two columns for each evaluation text. */
function crossTable(
  name: string,
  { bases, figures }: SweepResults,
  texts: readonly string[],
  labels: readonly string[]
): SweepTable {
  const own = figures.filter(({ variant }) => variant.name === name)
  return {
    title: `${name}: each calibration set on each evaluation text`,
    columns: ['calibrated on', ...labels.flatMap((label) => [`${label}: gap closed`, `${label}: KL`])],
    names: 1,
    rows: unique(own.map(({ set }) => set)).map((set) => [
      set,
      ...texts.flatMap((text) => {
        const cell = own.find((one) => one.set === set && one.text === text)
        if (cell === undefined) return ['', '']
        const base = bases.find((one) => one.text === text && one.quantizer === cell.variant.quantizer)
        const mark = cell.own ? ` ${OWN}` : ''
        return [`${gapCell(cell.gapClosed, base)}${mark}`, divergenceCell(cell.klDivergence)]
      })
    ]),
    ...(own.some((one) => one.own) && { note: OWN_NOTE })
  }
}

/** Methods in the order of the variants, each by rank. */
function byRank(figures: readonly SweepFigures[]): SweepFigures[] {
  const series = unique(figures.map(seriesOf))
  return figures
    .map((one, place) => ({ one, place }))
    .sort(
      (a, b) =>
        series.indexOf(seriesOf(a.one)) - series.indexOf(seriesOf(b.one)) ||
        a.one.variant.rank - b.one.variant.rank ||
        a.place - b.place
    )
    .map(({ one }) => one)
}

const seriesOf = ({ variant }: SweepFigures): string =>
  JSON.stringify([variant.method, treatmentKey(variant), variant.quantizer])

const variantsOf = ({ figures }: SweepResults): string[] => unique(figures.map(({ variant }) => variant.name))

const unique = <T>(values: readonly T[]): T[] => [...new Set(values)]
