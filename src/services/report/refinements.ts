import { SERIES_COLORS } from '../../shared/chartColors'
import { keptDivergence, type RefinementResult } from '../../shared/refinement'
import { divergenceText, refinementSentence, refinementSettings } from '../../shared/refinementWords'
import { variantLabels } from '../../shared/variantLabels'
import { linePlot } from './charts'
import { type Html, html } from './html'
import type { ReportedRun } from './reportData'

/** The refinements of a run's variants: the curve of each on its held-out rows, what was kept and of what it was made. */
export function refinements({ run, rows }: Pick<ReportedRun, 'run' | 'rows'>): Html | undefined {
  const labels = variantLabels(rows.map(({ variant }) => variant))
  const found = rows.flatMap(({ variant: { name, refinement } }, i) =>
    refinement === null
      ? []
      : [{ name, label: labels[i] as string, refinement, paint: `s-${i % SERIES_COLORS.length}` }]
  )
  if (found.length === 0) return undefined
  const lines = found.flatMap(({ label, paint, refinement }) => [
    { label, paint, points: pointsOf(refinement) },
    { label: 'without an adapter', points: baseOf(refinement) }
  ])
  const marks = found.map(({ label, paint, refinement }) => ({
    label: `${label}, kept`,
    paint,
    x: refinement.kept === 'zero' ? 0 : refinement.kept,
    y: keptDivergence(refinement)
  }))
  const label = `Refinement of ${run.title}: KL divergence on held-out rows`
  const ticks = found.flatMap(({ refinement: { curve, steps } }) => [...curve.map((point) => point.steps), steps])
  const options = { label, xLabel: 'steps', yLabel: 'KL divergence', fromZero: true, ticks, format: divergenceText }
  return html`<h3>Refinement against the whole model</h3>
<figure>${linePlot(lines, marks, options)}
<figcaption>KL divergence from full precision on rows that were held out from the refinement, nats, lower is better. Grey lines: without an adapter; points: what was kept.</figcaption></figure>
${found.map(({ name, refinement }) => html`<p>${name}: ${refinementSentence(refinement)}.<br><span class="dim">${refinementSettings(refinement)}</span></p>`)}`
}

const pointsOf = ({ curve }: RefinementResult) =>
  curve.flatMap(({ steps, divergence }) => (divergence === null ? [] : [{ x: steps, y: divergence }]))

const baseOf = ({ quantized, steps }: RefinementResult) => [
  { x: 0, y: quantized },
  { x: steps, y: quantized }
]
