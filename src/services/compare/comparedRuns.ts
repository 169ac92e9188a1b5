import type { ComparedRun, ComparedVariant, VariantCurve } from '../../shared/compare/comparedRun'
import { parseRowKey } from '../../shared/compare/rows'
import { groupBy } from '../../shared/groupBy'
import { layersAreOfStart } from '../../shared/refinementWords'
import { treatmentOf } from '../../shared/treatment'
import * as comparison from '../../store/comparison'
import type { RunSummary } from '../../store/runQueries'
import { listRuns, type Run } from '../runService'
import type { Services } from '../services'

/** These runs with what is compared of them, in the order given; those that there are not (any more) are left out. */
export async function comparedRuns(services: Services, ids: readonly string[]): Promise<ComparedRun[]> {
  const { store } = services
  const wanted = new Set(ids)
  const found = (await listRuns(services)).filter(({ id }) => wanted.has(id))
  const known = found.map(({ id }) => id)
  const settings = await comparison.readRunSettings(store, known)
  const totals = groupBy(await comparison.readVariantTotals(store, known), ({ run }) => run)
  const worked = await comparison.readWorkedMs(store, known)
  const byId = new Map(found.map((run) => [run.id, run]))
  return ids.flatMap((id) => {
    const run = byId.get(id)
    const own = settings.get(id)
    return run && own ? [comparedRun(run, own, totals.get(id) ?? [], worked.get(id) ?? null)] : []
  })
}

function comparedRun(
  run: Run<RunSummary>,
  { recipe, quailVersion, calibration, evaluation }: comparison.RunSettings,
  totals: readonly comparison.StoredTotals[],
  workedMs: number | null
): ComparedRun {
  const digests = (texts: comparison.RunSettings['calibration']) => texts.map(({ name, sha256 }) => ({ name, sha256 }))
  return {
    id: run.id,
    title: run.name ?? run.id,
    status: run.status,
    createdAtMs: run.createdAtMs,
    workedMs,
    model: run.model,
    tags: run.tags,
    notes: run.notes,
    quailVersion,
    recipe,
    texts: { calibration: digests(calibration), evaluation: digests(evaluation) },
    variants: run.variants.map(({ name, method, rank, quantizer, refinement = null, ranks, acceptance }, i) => {
      const own = totals.find(({ variant }) => variant === name)
      const known = {
        name,
        method,
        rank,
        quantizer,
        ...treatmentOf(recipe.variants[i]),
        refinement,
        ...(ranks && { ranks }),
        ...(acceptance && { acceptance })
      }
      return { ...known, totals: own === undefined ? null : withoutNames(own) }
    }),
    perplexity: run.perplexity
  }
}

const withoutNames = ({ run: _run, variant: _variant, ...totals }: comparison.StoredTotals) => totals

/**
 * Error against rank of these rows (`run/variant`), on one linear or summed over all. The solver keeps a few eigenvalues
 * beyond the largest rank of a run, which are only bounds: they are left out.
 */
export async function variantCurves(
  services: Services,
  keys: readonly string[],
  layer: string | null
): Promise<VariantCurve[]> {
  const wanted = new Set(keys)
  const ids = [...new Set(keys.map((key) => parseRowKey(key).run))]
  const curves: VariantCurve[] = []
  for (const { id, variants } of await comparedRuns(services, ids)) {
    const maxRank = Math.max(0, ...variants.map(({ rank }) => rank))
    const stored = await comparison.readCurves(services.store, id, layer)
    for (const variant of variants) {
      const own = stored.find((one) => one.variant === variant.name)
      if (own === undefined || !wanted.has(`${id}/${variant.name}`)) continue
      curves.push(curveOf(id, variant, { ...own, eigenvalues: own.eigenvalues.slice(0, maxRank) }))
    }
  }
  return curves
}

/** The curve of a variant, from its losses and eigenvalues. */
export const curveOf = (
  run: string,
  variant: Omit<ComparedVariant, 'totals'>,
  { loss, lossRank0, eigenvalues }: Pick<VariantCurve, 'loss' | 'lossRank0' | 'eigenvalues'>
): VariantCurve => ({
  run,
  variant: variant.name,
  method: variant.method,
  rank: variant.rank,
  quantizer: variant.quantizer,
  refined: variant.refined,
  ...(variant.ranksByLayer && { ranksByLayer: true }),
  ofStart: layersAreOfStart(variant),
  loss,
  lossRank0,
  eigenvalues
})
