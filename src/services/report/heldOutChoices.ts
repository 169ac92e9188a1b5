import { acceptanceSentence } from '../../shared/acceptance'
import { rankSentence, rankSettings } from '../../shared/rankWords'
import { type Html, html } from './html'
import type { ReportedRun } from './reportData'

/** What held-out rows decided of a run's variants beside refinements: of rank budgets, and of what helps. */
export function heldOutChoices({ rows }: Pick<ReportedRun, 'rows'>): Html | undefined {
  const found = rows.map(({ variant }) => variant)
  const ranks = found.flatMap(({ name, rank, ranks }) =>
    ranks === undefined
      ? []
      : [html`<p>${name}: ${rankSentence(ranks, rank)}.<br><span class="dim">${rankSettings(ranks)}</span></p>`]
  )
  const accepted = found.flatMap(({ name, acceptance }) =>
    acceptance === undefined ? [] : [html`<p>${name}: ${acceptanceSentence(acceptance)}.</p>`]
  )
  if (ranks.length + accepted.length === 0) return undefined
  return html`${ranks.length > 0 && html`<h3>Ranks by layer</h3>${ranks}`}${accepted.length > 0 && html`<h3>Never worse than no adapter</h3>${accepted}`}`
}
