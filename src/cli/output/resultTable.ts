import { acceptanceSentence } from '../../shared/acceptance'
import { coveredText } from '../../shared/coverage'
import { alikeSentences, headlineOf, type QuantizerResult, quantizerResults } from '../../shared/headline'
import { meanLossRemoved } from '../../shared/proof'
import { quantizerLabel } from '../../shared/quantizerWords'
import { rankSentence } from '../../shared/rankWords'
import { LAYERS_OF_START, layersAreOfStart, refinementSentence, startName } from '../../shared/refinementWords'
import type { Fidelity, FinishedEvent, Perplexities, VariantResult } from '../../shared/runEvents'
import { DISTINCT, estimateText, FEW_TOKENS, NOT_DISTINGUISHABLE, shareText } from '../../shared/uncertainty'
import { formatCount, formatShare, plural } from './numbers'
import { type Column, renderTable } from './table'

type Results = Pick<FinishedEvent, 'perplexity' | 'variants'>
type Result = QuantizerResult<VariantResult>

/**
 * What a run ends with: for each evaluation text a table of full precision, each quantizer and its variants, with what its
 * rows do not tell apart below it; then the mean share of the calibrated loss that each adapter removes. One text has one
 * table, so that it stays as narrow as the names allow.
 */
export function resultTable(results: Results): string[] {
  const texts = Object.entries(results.perplexity).flatMap(([file, measured]) => [
    ...textTable(file, measured, byQuantizer(results, measured)),
    ''
  ])
  return [
    ...texts,
    ...lossTable(results),
    ...rankLines(results),
    ...acceptanceLines(results),
    ...refinementLines(results)
  ]
}

/** The quantizers in the order of the headline, under each its variants in the order of the recipe. */
function byQuantizer(results: Results, measured: Perplexities): Result[] {
  const order = headlineOf(results)?.results.map(({ quantizer }) => quantizer) ?? []
  return quantizerResults(measured, results.variants).sort(
    (a, b) => order.indexOf(a.quantizer) - order.indexOf(b.quantizer)
  )
}

function textTable(file: string, measured: Perplexities, bases: readonly Result[]): string[] {
  const { statistics } = measured
  const keys = bases.map(({ quantizer }) => quantizer)
  const baseName = ({ quantizer }: Result): string =>
    keys.length > 1 ? `quantized ${quantizerLabel(quantizer, keys)}` : 'quantized'
  const rows = [
    ['full precision', estimateText(measured.fullPrecision, statistics?.fullPrecision.standardError)],
    ...bases.flatMap((base) => [
      [
        baseName(base),
        estimateText(base.quantized, base.baseStatistics?.standardError),
        '',
        ...fidelityCells(base.baseStatistics)
      ],
      ...inOrder(base, Object.keys(measured.variants)).map(({ variant, perplexity, gapClosed, statistics: own }) => [
        variant.name,
        estimateText(perplexity, own?.standardError),
        gapText(base, gapClosed, own?.gapClosed?.standardError),
        ...fidelityCells(own)
      ])
    ])
  ]
  const columns = statistics === undefined ? COLUMNS.slice(0, 3) : COLUMNS
  const table = renderTable(columns, rows)
  const covered = measured.coverage === undefined ? [] : [`  ${coveredText(measured.coverage)}`]
  return [`${file}: ${sizeText(measured)}`, ...covered, '', ...table, ...notes(measured, bases, baseName)]
}

const COLUMNS: readonly Column[] = [
  { title: '' },
  { title: 'perplexity', align: 'right' },
  { title: 'gap closed', align: 'right' },
  { title: 'KL divergence', align: 'right' },
  { title: 'same top token', align: 'right' }
]

const sizeText = ({ tokens, statistics }: Perplexities): string => {
  const size = plural(tokens, 'predicted token')
  if (statistics === undefined) return size
  const { rows } = statistics
  const error = rows < 2 ? 'no standard error from a single row' : '± is one standard error over rows'
  return `${size} in ${plural(rows, 'row')}; ${error}`
}

const gapText = ({ distinctGap }: Result, share: number | undefined, error: number | null | undefined): string =>
  distinctGap === false ? 'unclear' : share === undefined ? 'no gap' : shareText(share, error)

const fidelityCells = (of: Fidelity | undefined): string[] =>
  of === undefined
    ? []
    : [
        estimateText(of.klDivergence.mean, of.klDivergence.standardError, 3),
        shareText(of.sameTopToken.share, of.sameTopToken.standardError)
      ]

const inOrder = ({ variants }: Result, names: readonly string[]): Result['variants'][number][] =>
  [...variants].sort((a, b) => names.indexOf(a.variant.name) - names.indexOf(b.variant.name))

/** What the rows of a text do not tell apart, and how little they are; no line where all is clear. */
function notes(measured: Perplexities, bases: readonly Result[], baseName: (base: Result) => string): string[] {
  const few =
    measured.tokens < FEW_TOKENS
      ? [`Few tokens: below ${formatCount(FEW_TOKENS)} the perplexity is uncertain. Give more evaluation text or rows.`]
      : []
  const alike = bases.flatMap((base) => alikeSentences(base, baseName(base)).map((sentence) => `  ${sentence}`))
  const rule = `${NOT_DISTINGUISHABLE[0]?.toUpperCase()}${NOT_DISTINGUISHABLE.slice(1)} (within ${DISTINCT} standard errors, paired over rows):`
  return [...few, ...(alike.length === 0 ? [] : [rule, ...alike])]
}

/** The mean share of the calibrated loss that each adapter removes. */
function lossTable({ variants }: Results): string[] {
  const rows = variants.map((variant) => [
    isOfStart(variant) ? startName(variant.name) : variant.name,
    formatShare(meanLossRemoved(variant.layers))
  ])
  return renderTable([{ title: '' }, { title: 'loss removed', align: 'right' }], rows)
}

const isOfStart = ({ refinement }: VariantResult): boolean =>
  layersAreOfStart({ refined: refinement !== undefined, refinement: refinement ?? null })

/** What became of each rank budget, a line for each; nothing where there was none. */
function rankLines({ variants }: Results): string[] {
  const lines = variants.flatMap(({ name, rank, ranks }) =>
    ranks === undefined ? [] : [`  ${name}: ${rankSentence(ranks, rank)}`]
  )
  return lines.length === 0 ? [] : ['', 'Ranks by what they are worth; held-out rows decided:', ...lines]
}

/** What was kept of each adapter that was asked about, a line for each; nothing where nobody asked. */
function acceptanceLines({ variants }: Results): string[] {
  const lines = variants.flatMap(({ name, acceptance }) =>
    acceptance === undefined ? [] : [`  ${name}: ${acceptanceSentence(acceptance)}`]
  )
  return lines.length === 0 ? [] : ['', 'Never worse than no adapter; held-out rows decided:', ...lines]
}

/** What became of each refinement, a line for each; nothing where there was none. */
function refinementLines({ variants }: Results): string[] {
  const lines = variants.flatMap(({ name, refinement }) =>
    refinement === undefined ? [] : [`  ${name}: ${refinementSentence(refinement)}`]
  )
  if (lines.length === 0) return []
  const note = variants.some(isOfStart) ? [LAYERS_OF_START] : []
  return ['', 'Refined against the whole model; rows held out from it decided what is kept:', ...lines, ...note]
}
