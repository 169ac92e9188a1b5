import type { ComparedVariant, VariantCurve } from '../../shared/compare/comparedRun'
import { errorCurves } from '../../shared/compare/series'
import { lossRemoved, worstFirst } from '../../shared/proof'
import { LAYERS_OF_START, layersAreOfStart, startName } from '../../shared/refinementWords'
import type { LayerResult } from '../../shared/runEvents'
import { STATUS_WORDS } from '../../shared/runWords'
import { variantLabels } from '../../shared/variantLabels'
import { curveOf } from '../compare/comparedRuns'
import { linePlot, paints } from './charts'
import { heldOutChoices } from './heldOutChoices'
import { type Html, html } from './html'
import { duration, figure, instant, percent } from './numbers'
import { refinements } from './refinements'
import type { ReportedRun } from './reportData'

/** One run: error against rank, its layers, how to repeat it, what it was computed with. */
export function runSection(reported: ReportedRun): Html {
  const { run, rows, layers } = reported
  return html`<section><h2>${run.title}</h2>
<p class="dim">${run.id}, ${STATUS_WORDS[run.status]}, begun ${instant(run.createdAtMs)}${run.workedMs !== null && `, worked ${duration(run.workedMs)}`}${run.tags.length > 0 && `, tags: ${run.tags.join(', ')}`}</p>
${run.notes !== '' && html`<p>${run.notes}</p>`}
${heldOutChoices(reported)}
${refinements(reported)}
${curves(reported)}
${rows.map(({ variant }) => layerTable(variant, layers.get(variant.name) ?? []))}
<details><summary>Recipe</summary><pre>${reported.recipeText}</pre></details>
<details><summary>Environment and fingerprint of the base</summary>
<dl>${reported.environment.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
${
  reported.fingerprints.length === 0
    ? html`<p class="dim">The adapters do not lie where the run wrote them any more; their fingerprints went with them.</p>`
    : reported.fingerprints.map(
        (one) => html`<h3>${one.variants.join(', ')}</h3><dl>
<dt>quantizer</dt><dd>${one.quantizer}</dd><dt>weights loaded as</dt><dd>${one.dtype}</dd>
<dt>codes</dt><dd><code>${one.codes}</code></dd><dt>absmax</dt><dd><code>${one.absmax}</code></dd></dl>`
      )
}</details></section>`
}

/** Calibrated error against rank, summed over all linears. */
function curves({ run, rows, layers }: ReportedRun): Html | undefined {
  const maxRank = Math.max(0, ...run.variants.map(({ rank }) => rank))
  const found = rows.flatMap(({ variant }): VariantCurve[] => {
    const own = layers.get(variant.name) ?? []
    if (own.length === 0) return []
    const eigenvalues = Array.from({ length: maxRank }, (_, i) => sum(own, (layer) => layer.eigenvalues[i] ?? 0))
    const loss = sum(own, (layer) => layer.loss)
    const lossRank0 = sum(own, (layer) => layer.lossRank0)
    return [curveOf(run.id, variant, { loss, lossRank0, eigenvalues })]
  })
  if (found.length === 0) return undefined
  const lines = errorCurves(found, [run]).map(({ label, left }) => ({ label, points: left.map((y, x) => ({ x, y })) }))
  const paint = paints(found)
  const names = variantLabels(rows.map(({ variant }) => variant))
  const labels = new Map(rows.map(({ variant }, i) => [variant.name, names[i] as string]))
  const marks = found.map((curve) => ({
    label: curve.ofStart
      ? startName(labels.get(curve.variant) ?? curve.variant)
      : (labels.get(curve.variant) ?? curve.variant),
    paint: paint(curve),
    x: curve.rank,
    y: curve.lossRank0 > 0 ? curve.loss / curve.lossRank0 : 0
  }))
  const label = `Calibrated error of ${run.title} left after each rank, all linears`
  return html`<figure>${linePlot(lines, marks, { label, xLabel: 'rank', yLabel: 'error left', fromZero: true, format: percent })}
<figcaption>Calibrated error that is left, summed over all linears. The line is the best that one rank everywhere can do; points are the variants as stored${found.some(({ ranksByLayer }) => ranksByLayer) && ', those with ranks by layer at their mean'}${found.some(({ ofStart }) => ofStart) && ', or the starts of those that were refined'}.</figcaption></figure>`
}

const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0)

function layerTable(variant: ComparedVariant, layers: readonly LayerResult[]): Html | undefined {
  if (layers.length === 0) return undefined
  const ofStart = layersAreOfStart(variant)
  const ordered = worstFirst(layers.map((result) => ({ result })))
  return html`<details><summary>Layers of ${ofStart ? startName(variant.name) : variant.name}, worst first (${layers.length})</summary>${ofStart && html`<p class="dim">${LAYERS_OF_START}</p>`}<div class="scroll"><table>
<thead><tr><th>layer</th><th class="n">shape</th><th class="n">error before</th><th class="n">after</th><th class="n">removed</th><th class="n">bfloat16</th><th class="n">plain before</th><th class="n">after</th><th class="n">certificate</th></tr></thead>
<tbody>${ordered.map(
    ({ result }) =>
      html`<tr><td>${result.name}</td><td class="n">${result.shape.join(' × ')}</td><td class="n">${figure(result.lossRank0)}</td><td class="n">${figure(result.loss)}</td><td class="n${result.loss > result.lossRank0 && ' worse'}">${percent(lossRemoved(result))}</td><td class="n">${figure(result.lossBfloat16)}</td><td class="n">${figure(result.frobeniusRank0)}</td><td class="n">${figure(result.frobenius)}</td><td class="n">${figure(result.certificate)}</td></tr>`
  )}</tbody></table></div></details>`
}
