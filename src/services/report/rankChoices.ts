import { rankSentence, rankSettings } from '../../shared/rankWords'
import { type Html, html } from './html'
import type { ReportedRun } from './reportData'

/** What became of the rank budgets of a run's variants. */
export function rankChoices({ run, rows }: Pick<ReportedRun, 'run' | 'rows'>): Html | undefined {
  const shown = new Set(rows.map(({ variant }) => variant.name))
  const found = run.variants.flatMap(({ name, rank, ranks }) =>
    ranks === undefined || !shown.has(name) ? [] : [{ name, rank, ranks }]
  )
  if (found.length === 0) return undefined
  return html`<h3>Ranks by layer</h3>
${found.map(({ name, rank, ranks }) => html`<p>${name}: ${rankSentence(ranks, rank)}.<br><span class="dim">${rankSettings(ranks)}</span></p>`)}`
}
