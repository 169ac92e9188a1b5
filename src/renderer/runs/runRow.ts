import type { RunListEntry } from '../../shared/contract/runs'
import { bestVariant, quantizedPerplexity, variantGap } from '../../shared/proof'

export interface BestGap {
  readonly variant: string
  readonly text: string
  /** Of the gap between full precision and quantized; negative when the adapter makes it worse. */
  readonly share: number
}

const best = new WeakMap<RunListEntry, BestGap | null>()

/** What the best variant reached on the first evaluation text; null while nothing is measured or nothing was lost. */
export function bestGap(run: RunListEntry): BestGap | null {
  const known = best.get(run)
  if (known !== undefined) return known
  const found = findBestGap(run)
  best.set(run, found)
  return found
}

function findBestGap({ perplexity, variants }: RunListEntry): BestGap | null {
  const [text, measured] = Object.entries(perplexity)[0] ?? []
  const variant = bestVariant(measured, variants)
  if (text === undefined || measured === undefined || variant === undefined) return null
  if (!(quantizedPerplexity(measured, variant.quantizer) > measured.fullPrecision)) return null
  return { variant: variant.name, text, share: variantGap(measured, variant) }
}

/** `quailora-r16`, `quailora-r16 +3`: the best variant first, or the first while nothing is measured. */
export function variantsText(run: RunListEntry): string {
  const name = bestGap(run)?.variant ?? run.variants[0]?.name ?? '–'
  return run.variants.length > 1 ? `${name} +${run.variants.length - 1}` : name
}

export const runAddress = (id: string): string => `/runs/${encodeURIComponent(id)}`
export const compareAddress = (ids: readonly string[]): string =>
  `/compare?runs=${ids.map(encodeURIComponent).join(',')}`
