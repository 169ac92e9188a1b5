import { useMemo } from 'react'
import { useLocation, useSearch } from 'wouter'
import { parseRowKey } from '../../shared/compare/rows'

/** What the page compares, kept in its address: `/compare?runs=a,b/quailora-r16&baseline=a/zero-r16`. */
export interface Comparison {
  /** Runs (all their variants) and rows `run/variant`, in the order of the page. */
  readonly keys: readonly string[]
  /** Ids of the runs, each once. */
  readonly ids: readonly string[]
  readonly baseline: string | undefined
  readonly setKeys: (keys: readonly string[]) => void
  readonly setBaseline: (key: string | undefined) => void
}

export function useComparison(): Comparison {
  const [, navigate] = useLocation()
  const search = useSearch()
  return useMemo(() => {
    const parameters = new URLSearchParams(search)
    const keys = (parameters.get('runs') ?? '').split(',').filter(Boolean)
    const baseline = parameters.get('baseline') ?? undefined
    const go = (next: readonly string[], pinned: string | undefined): void =>
      navigate(comparePath(next, pinned), { replace: true })
    return {
      keys,
      ids: [...new Set(keys.map((key) => parseRowKey(key).run))],
      baseline,
      setKeys: (next) => go(next, baseline),
      setBaseline: (pinned) => go(keys, pinned)
    }
  }, [search, navigate])
}

/** The address of a comparison; ids and names hold nothing that an address has to escape but the odd percent sign. */
export function comparePath(keys: readonly string[], baseline?: string): string {
  const parts = [
    ...(keys.length > 0
      ? [`runs=${keys.map((key) => key.split('/').map(encodeURIComponent).join('/')).join(',')}`]
      : []),
    ...(baseline !== undefined ? [`baseline=${encodeURIComponent(baseline)}`] : [])
  ]
  return parts.length === 0 ? '/compare' : `/compare?${parts.join('&')}`
}

/** Rows as few keys as they need: a run all of whose variants are chosen is named alone. */
export function shortKeys(rows: ReadonlySet<string>, variantsOf: ReadonlyMap<string, readonly string[]>): string[] {
  const chosen = new Map<string, string[]>()
  for (const row of rows) {
    const { run, variant } = parseRowKey(row)
    if (variant === undefined) continue
    const own = chosen.get(run)
    if (own === undefined) chosen.set(run, [variant])
    else own.push(variant)
  }
  return [...chosen].flatMap(([run, variants]) =>
    variants.length === variantsOf.get(run)?.length ? [run] : variants.map((variant) => `${run}/${variant}`)
  )
}
