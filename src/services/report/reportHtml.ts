import { difference, type Metric, metricsOf } from '../../shared/compare/metrics'
import { pairingSentences } from '../../shared/compare/pairing'
import { rowLabels } from '../../shared/compare/rowLabels'
import { type ComparisonRow, textsOf } from '../../shared/compare/rows'
import { rankSeries } from '../../shared/compare/series'
import { differingSettings } from '../../shared/compare/settings'
import { coveredText } from '../../shared/coverage'
import { headlineSentences } from '../../shared/headline'
import { plural } from '../../shared/plural'
import { lossSentence } from '../../shared/proof'
import { quantizerLabel } from '../../shared/quantizerWords'
import { refinementSentence } from '../../shared/refinementWords'
import { STATUS_WORDS } from '../../shared/runWords'
import {
  DISTINGUISHABLE_RULE,
  estimateText,
  FEW_TOKENS,
  GAP_UNCLEAR,
  NOT_DISTINGUISHABLE,
  shareText
} from '../../shared/uncertainty'
import { linePlot, paints, perplexityAxis, rankPoints } from './charts'
import { type Html, html } from './html'
import { duration, figure, instant, percent } from './numbers'
import type { ReportData, ReportedRun } from './reportData'
import { runSection } from './runSection'
import { STYLE } from './style'

/** Nothing is fetched and nothing is executed, whatever a name in the report says. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

/** The whole report. Every name and text in it comes from files of others and is escaped. */
export function reportHtml(data: ReportData): string {
  const { runs, rows, madeAtMs, version } = data
  const [first] = runs
  const title = runs.length === 1 && first ? first.run.title : `${runs.length} runs compared`
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="Quail ${version}">
<title>${title} – Quail report</title>
<style>STYLE_SHEET</style>
</head>
<body>
<header>
<h1>${title}</h1>
<p class="dim">Report of Quail ${version}, made ${instant(madeAtMs)}. ${rows.length} variants of ${runs.length === 1 ? 'one run' : `${runs.length} runs`}.</p>
${runs.flatMap((run) => sentencesOf(run).map((sentence) => html`<p class="sentence">${sentence}</p>`))}
</header>
<main>
${figures(data)}
${rankChart(rows)}
${settings(rows)}
${runs.map(runSection)}
</main>
</body>
</html>
`
  return page.text.replace('STYLE_SHEET', () => STYLE)
}

/** What a run proved of the variants in the report: a sentence for each quantizer. */
function sentencesOf({ run, rows, layers }: ReportedRun): string[] {
  const variants = rows.map(({ variant }) => variant)
  const prefix = `${run.title}: `
  const sentences = headlineSentences({ perplexity: run.perplexity, variants })
  if (sentences.length > 0) return sentences.map((sentence) => `${prefix}${sentence}.`)
  const last = variants.at(-1)
  if (last?.refinement != null && run.status === 'completed')
    return [`${prefix}${last.name}: ${refinementSentence(last.refinement)}.`]
  const done = last === undefined ? [] : (layers.get(last.name) ?? [])
  if (last !== undefined && run.status === 'completed' && done.length > 0)
    return [`${prefix}${lossSentence(last.name, done)}.`]
  return [`${prefix}${STATUS_WORDS[run.status]}; nothing is proven yet.`]
}

function figures({ rows, runs, pairing }: ReportData): Html {
  const texts = textsOf(rows)
  const metrics = metricsOf(texts, rows, pairing)
  const text = ({ kind, value: of, instead, error, digits }: Metric, row: ComparisonRow): string => {
    const value = of(row)
    const word = value === undefined ? instead?.(row) : undefined
    if (word !== undefined) return word
    const known = error?.(row)
    if (value !== undefined && known)
      return kind === 'share' ? shareText(value, known) : estimateText(value, known, digits)
    return kind === 'share'
      ? percent(value)
      : kind === 'duration'
        ? duration(value)
        : kind === 'count'
          ? (value?.toLocaleString('en-US') ?? '–')
          : figure(value)
  }
  const severalRuns = new Set(rows.map(({ run }) => run.id)).size > 1
  const [baseline] = rows
  const titles = new Map(runs.map(({ run }) => [run.id, run.title]))
  const paired = pairingSentences(pairing, titles, 'the first line')
  return html`<section><h2>Figures</h2><div class="scroll"><table>
<thead><tr>${severalRuns && html`<th>run</th>`}<th>variant</th><th class="n">rank</th>${metrics.map(({ title }) => html`<th class="n">${title}</th>`)}</tr></thead>
<tbody>${rows.map(
    (row) =>
      html`<tr>${severalRuns && html`<td>${row.run.title}</td>`}<td>${row.variant.name}</td><td class="n">${row.variant.rank}</td>${metrics.map(
        (metric) => {
          const verdict = baseline && row !== baseline ? difference(metric, row, baseline)?.verdict : undefined
          const mark = verdict === undefined ? '' : `${MARKS[verdict]} `
          return html`<td class="n${verdict && ` ${verdict}`}">${mark}${text(metric, row)}</td>`
        }
      )}</tr>`
  )}</tbody></table></div>
${rows.length > 1 && html`<p class="dim">▲ better, ▼ worse than the first line, ≈ ${NOT_DISTINGUISHABLE} from it.${paired.map((sentence) => ` ${sentence}`)}</p>`}
${uncertainties(rows, texts)}
${texts.map((name) => axes(rows, name))}</section>`
}

const MARKS = { better: '▲', worse: '▼', unclear: '≈' } as const

/** What ± and "not distinguishable" mean, and on how many tokens each text was measured; nothing of older runs. */
function uncertainties(rows: readonly ComparisonRow[], texts: readonly string[]): Html | undefined {
  const sizes = texts.flatMap((text) => {
    const measured = rows
      .map(({ perplexity }) => perplexity[text]?.measured)
      .find((one) => one?.statistics !== undefined)
    if (measured?.statistics === undefined) return []
    const { tokens, coverage } = measured
    const few = tokens < FEW_TOKENS ? ', which is few' : ''
    const covered = coverage === undefined ? '' : `, ${coveredText(coverage)}`
    return [
      `${text} ${tokens.toLocaleString('en-US')} predicted tokens in ${plural(measured.statistics.rows, 'row')}${few}${covered}`
    ]
  })
  if (sizes.length === 0) return undefined
  return html`<p class="dim">± is one standard error over rows: ${sizes.join('; ')}. ${DISTINGUISHABLE_RULE} KL divergence of the next token from full precision, in nats; same top token: share of positions whose most probable next token is that of full precision.</p>`
}

/** One axis for each base that was measured on a text: bars of different bases mean different gaps. */
function axes(rows: readonly ComparisonRow[], text: string): Html[] {
  const bases = new Map<string, ComparisonRow[]>()
  for (const row of rows) {
    const measured = row.perplexity[text]
    if (measured === undefined) continue
    const key = `${measured.fullPrecision} ${row.variant.quantizer} ${measured.quantized}`
    bases.set(key, [...(bases.get(key) ?? []), row])
  }
  const keys = [...new Set(rows.map(({ variant }) => variant.quantizer))]
  const paint = paints(rows.map(({ variant }) => variant))
  return [...bases.values()].slice(0, 12).map((members) => {
    const [first] = members
    const base = first?.perplexity[text]
    if (first === undefined || base === undefined) return html``
    const format = quantizerLabel(first.variant.quantizer, keys)
    const names = rowLabels(members)
    const marks = members.map(({ key, variant, perplexity }) => ({
      name: names.get(key) ?? variant.name,
      paint: paint(variant),
      perplexity: perplexity[text]?.adapter as number,
      share: perplexity[text]?.gapUnclear ? GAP_UNCLEAR : percent(perplexity[text]?.gapClosed)
    }))
    const runs = [...new Set(members.map(({ run }) => run.title))].join(', ')
    return html`<figure>${perplexityAxis(`Perplexity on ${text}, ${format}`, { fullPrecision: base.fullPrecision, quantized: base.quantized, format, marks })}
<figcaption>Perplexity on ${text} (${runs}; ${format}), lower is better. Bars are the part of the gap that a variant closes.</figcaption></figure>`
  })
}

/** Perplexity against rank, where ranks differ at all. */
function rankChart(rows: readonly ComparisonRow[]): Html | undefined {
  if (new Set(rows.map(({ variant }) => variant.rank)).size < 2) return undefined
  const paint = paints(rows.map(({ variant }) => variant))
  const charts = textsOf(rows).map((text) => {
    const series = rankSeries(rows, text)
    const lines = series.map(({ label, points, ...own }) => ({ label, paint: paint(own), points: rankPoints(points) }))
    const ends = series.map(({ label, points, ...own }) => ({
      label,
      paint: paint(own),
      x: points.at(-1)?.rank as number,
      y: points.at(-1)?.perplexity as number
    }))
    const label = `Perplexity against rank on ${text}`
    return html`<figure>${linePlot(lines, ends, { label, xLabel: 'rank', yLabel: 'perplexity', fromZero: false, format: figure })}
<figcaption>${label}, one line per method.</figcaption></figure>`
  })
  return html`<section><h2>Perplexity against rank</h2>${charts}</section>`
}

function settings(rows: readonly ComparisonRow[]): Html | undefined {
  const found = differingSettings(rows)
  if (found.length === 0) return undefined
  return html`<section><h2>Settings that differ</h2><div class="scroll"><table>
<thead><tr><th>setting</th>${rows.map(({ run, variant }) => html`<th>${variant.name}<br>${run.title}</th>`)}</tr></thead>
<tbody>${found.map(
    ({ key, values }) =>
      html`<tr><td><code>${key}</code></td>${values.map((value) => html`<td>${value ?? '–'}</td>`)}</tr>`
  )}</tbody></table></div></section>`
}
